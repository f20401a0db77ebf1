"""Run the measurements one after the other; the first needs neither root nor the lab."""

from tests.bench import machines, start

start.main()
machines.main()
