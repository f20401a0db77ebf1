# Debian's own Python, with Debian's own modules: the first one in PATH may be another.
PYTHON = /usr/bin/python3
PYTEST = $(PYTHON) -B -m pytest
VERSION = $(shell dpkg-parsechangelog -S Version)
# Not SUITE: that one is the user's (SUITE=trixie make demo), and make would pass on its own value instead.
BUILT_ON = $(shell . /etc/os-release; echo $$VERSION_CODENAME)

.PHONY: help deb golden stdeb-check unit test test-all demo bench lint clean

help:
	@echo "make deb          build/smallmail-server_$(VERSION)_all.deb and its source package"
	@echo "make unit         the tests that need neither root nor network, and the golden trees"
	@echo "make golden       write the expected trees again; then read the diff"
	@echo "make lint         the linters alone"
	@echo "make stdeb-check  compare debian/ with what stdeb makes from setup.py"
	@echo "make test         all tests but the slow ones; needs root, and builds the lab's machines"
	@echo "make test-all     all tests"
	@echo "make demo         a mail server comes to life in the lab (or: SUITE=trixie make demo)"
	@echo "make bench        the start of each verb; memory and throughput, and the stock configuration's"
	@echo "make clean        delete build/"

# In a copy, so that nothing is left in the tree; git's own list, so that nothing else gets into the package.
deb:
	dpkg-checkbuilddeps 2>/dev/null || { apt-get -q update && apt-get -q -y --no-install-recommends build-dep ./; }
	rm -rf build
	mkdir -p build/source
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -P -p -t build/source
	if [ -e debian/lintian/$(BUILT_ON).source ]; then \
	    cat debian/lintian/$(BUILT_ON).source >>build/source/debian/source/lintian-overrides; \
	    cat debian/lintian/$(BUILT_ON).binary >>build/source/debian/smallmail-server.lintian-overrides; \
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
