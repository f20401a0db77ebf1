"""The machine: its files, services, ports and users. Nothing here knows what mail is.

Every room above uses this one. Host (host.py) reads and writes files and runs commands. Its root is "/" on a real
machine, and a scratch folder in tests: so most of smallmail is tested without a machine. A File (file.py) is a file's
content and who may read it. state.py lists the files that smallmail keeps for itself; state_files.py reads and writes
them. users.py makes the users that own mail, letters.py sends mail to root, and pem.py reads PEM files.

services.py asks systemd, port_holders.py finds the program that listens on a port, probes.py connects to one, and
addresses.py finds the machine's public addresses. These four look at the machine that runs the code, whatever a Host's
root is: processes and sockets belong to the kernel. (In tests,
port_holders.py may be given another root to read /proc from.)

For example, to keep others from changing the host while something is written:

    host = Host()
    with host.lock():
        state_files.save_json(host, state.CHECK, [])
"""
