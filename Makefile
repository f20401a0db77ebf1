# Debian's own Python, with Debian's own modules: the first one in PATH may be another.
PYTHON = /usr/bin/python3
PYTEST = $(PYTHON) -B -m pytest
VERSION = $(shell dpkg-parsechangelog -S Version)
SUITE = $(shell . /etc/os-release; echo $$VERSION_CODENAME)

.PHONY: help deb golden stdeb-check unit test test-all demo bench lint clean

help:
	@echo "make deb        build/smallmail-server_$(VERSION)_all.deb and its source package"
	@echo "make unit       the tests that need neither root nor network"
	@echo "make golden     write the expected trees anew, to be read as a diff"
	@echo "make lint       the linters alone"
	@echo "make test       all tests but the slow ones; makes the lab's machines, wants root"
	@echo "make test-all   all tests"
	@echo "make demo       a mail server comes to life in the lab"
	@echo "make bench      start of each verb; memory and throughput, beside the stock configuration"

# In a copy, so that nothing is left in the tree; git's own list, so that nothing else gets into the package.
deb:
	dpkg-checkbuilddeps 2>/dev/null || { apt-get -q update && apt-get -q -y --no-install-recommends build-dep ./; }
	rm -rf build
	mkdir -p build/source
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -P -p -t build/source
	if [ -e debian/lintian/$(SUITE).source ]; then \
	    cat debian/lintian/$(SUITE).source >>build/source/debian/source/lintian-overrides; \
	    cat debian/lintian/$(SUITE).binary >>build/source/debian/smallmail-server.lintian-overrides; \
	fi
	cd build/source && PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg-buildpackage -us -uc -F
	rm -rf build/source

golden:
	$(PYTHON) -B tests/golden/trees.py

unit:
	$(PYTEST) tests/unit tests/golden

lint:
	$(PYTEST) tests/unit/test_linters.py tests/unit/test_layout.py

stdeb-check:
	$(PYTEST) tests/unit/test_packaging.py

# Three processes share the machines of the lab, so that two processors are busy while mail is waited for; they get
# one package, built once.
# (By the shell: make expands a recipe before its first line has installed what tells the version.)
LAB = SMALLMAIL_DEB=$$(ls build/*_all.deb) $(PYTEST) -n 3 --dist loadgroup

test:
	sh tests/lab/setup.sh
	@log=$$(mktemp) && { $(MAKE) deb >$$log 2>&1 || { cat $$log; exit 1; }; } && rm $$log
	$(LAB) -m "not slow" tests/unit tests/golden tests/system

test-all:
	sh tests/lab/setup.sh
	$(MAKE) deb
	$(LAB) tests

demo:
	sh tests/lab/setup.sh
	$(PYTHON) -B tests/demo.py

bench:
	sh tests/lab/setup.sh
	$(PYTHON) -B -m tests.bench

clean:
	rm -rf build
