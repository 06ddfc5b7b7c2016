"""Runs a command at a pseudo-terminal and follows a script: JSON lines of [action, argument] on standard input.

wait TEXT: until the terminal shows it. send TEXT: type it. run [ARGUMENT, ...]: run another command meanwhile. write [PATH, TEXT].
Prints one JSON object: what the terminal showed, the exit code, and what the commands in between said.
"""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

DEADLINE = time.monotonic() + 60
script = [json.loads(line) for line in sys.stdin]
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
shown = b""


def read():
    """Takes in what the terminal shows next; false once the command has ended."""
    global shown
    if time.monotonic() > DEADLINE:
        sys.exit(f"a minute is over; so far: {shown.decode()}")
    if not select.select([terminal], [], [], 0.1)[0]:
        return True
    try:
        taken = os.read(terminal, 4096)
    except OSError:
        return False
    shown += taken
    return bool(taken)


between = []
for action, argument in script:
    if action == "wait":
        while argument.encode() not in shown:
            if not read():
                sys.exit(f"it ended before it showed {argument!r}: {shown.decode()}")
    elif action == "send":
        os.write(terminal, argument.encode())
    elif action == "write":
        with open(argument[0], "w", encoding="utf-8") as file:
            file.write(argument[1])
    else:
        ran = subprocess.run([sys.argv[1], *argument], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        between.append({"code": ran.returncode, "stdout": ran.stdout, "stderr": ran.stderr})
while read():
    pass
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps({"shown": shown.decode(), "code": code, "between": between}))
