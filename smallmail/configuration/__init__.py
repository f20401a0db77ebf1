"""The flow from settings to running daemons: render, plan, apply, verify; and the way back.

apply.job() works out what there is to do: render.render() makes the wanted Tree from settings, facts and templates,
take_over.silenced() adds what must be wanted in place of an earlier configuration, and plan.changes() compares the
wanted tree with the record (what smallmail wrote last, and what existed before it) and with the host. apply.apply()
carries it out as a transaction: the daemons judge the new files on a stage (set_aside.py moves an admin's file out of
the way if a new version does not accept it), transaction.swap() puts them in place together with the new record and
the next entry of the history, the daemons reload, verify.serving() asks them, and transaction.commit() ends it.
Whatever fails before that is taken back.

prepare.py makes the users, folders, accounts and keys that must exist first. hand_back.py undoes everything when the
package is removed. in_force.py reads what is in force now. ucf.py tells ucf(1) about our files.

The verbs, the maintainer scripts and the timers call this room; it knows nothing of them.

    outcome = apply.apply(host, in_force.load_or_last(host), "smallmail apply")
    print(outcome.touched)      # the units that were started, restarted or reloaded
"""
