"""The groups of `smallmail check`, one module each: host, dns, tls, ports, mail, reputation, updates.

Each module has a function `findings(host, settings)`, which looks at the machine or asks the network, and gives what it
saw to judging functions. Those are pure: the same input gives the same findings, so that tests try them without a
machine. A module that needs to look at something outside gets it from ../probes.

check/run.py calls `findings`; check/status.py calls some of the judging functions.

    def findings(host, settings):
        yield from stopped({name: services.state(host, name) for name in table.UNITS})

    def stopped(states):    # pure
        ...
"""
