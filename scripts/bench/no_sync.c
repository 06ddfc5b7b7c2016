/* Preloaded, it makes syncing do nothing: the same binary, and what its durability costs by comparison. */
int fsync(int file) {
    (void)file;
    return 0;
}

int fdatasync(int file) {
    (void)file;
    return 0;
}
