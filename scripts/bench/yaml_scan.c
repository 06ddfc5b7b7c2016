/* yaml_scan FILE...: runs libyaml's event parser over each file and builds nothing: the least that reading YAML can
   cost. Built by scripts/bench/run.py with `cc -O2 -lyaml`. */
#include <stdio.h>
#include <yaml.h>

int main(int count, char **paths) {
    unsigned long events = 0;
    for (int place = 1; place < count; place++) {
        FILE *file = fopen(paths[place], "rb");
        if (file == NULL) {
            perror(paths[place]);
            return 1;
        }
        yaml_parser_t parser;
        yaml_parser_initialize(&parser);
        yaml_parser_set_input_file(&parser, file);
        int is_over = 0;
        while (!is_over) {
            yaml_event_t event;
            if (!yaml_parser_parse(&parser, &event)) {
                fprintf(stderr, "%s: not YAML\n", paths[place]);
                return 1;
            }
            is_over = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
            events++;
        }
        yaml_parser_delete(&parser);
        fclose(file);
    }
    printf("%lu events\n", events);
    return 0;
}
