# make            builds ./torrent
# make test       builds and runs the unit tests (ROOM=wire: of one room; FILTER=Name*: of some)
# make hostile-peers  builds what scripts/test-peers plays hostile peers with
# make bench      builds and runs the micro-benchmarks (FILTER=Picker: of some)
# make check      clang: lock annotations as errors, then clang-tidy
# make asan tsan  the unit tests under AddressSanitizer+UBSan, under ThreadSanitizer
# make fuzz       clang's libFuzzer on what reads other people's bytes (test/fuzz/README.md; TARGET=url: of one)
# make coverage   the unit tests with gcov: lines of src/ that ran, room by room; fails below the bounds of scripts/coverage
# make lint       formatting, include directions, shell scripts      make format   rewrites the formatting
# make install    PREFIX (/usr/local) and DESTDIR as usual
# V=1 shows the commands.

CXX ?= g++
CXXFLAGS ?= -O2 -g1
PREFIX ?= /usr/local
BUILD ?= build/release
LIBRARY := piecework
VERSION := 0.1.0

ifeq ($(origin CXX),default)
CXX := g++
endif
.DEFAULT_GOAL := all
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)")

# --- Rooms: what each may include (src/README.md draws it). Tests of a room link these and nothing else. ------------
ROOMS := base bencode metainfo wire net tracker dht lan storage swarm session tracker_server sandbox
needs_base :=
needs_bencode := base
needs_metainfo := bencode base
needs_wire := bencode base
needs_net := base
needs_tracker := net bencode base
needs_dht := net bencode base
needs_lan := net base
needs_storage := metainfo bencode base
needs_swarm := storage tracker dht lan net wire metainfo bencode base
needs_session := swarm $(needs_swarm)
needs_tracker_server := tracker net bencode base
needs_sandbox := base
needs_cli := session tracker_server sandbox $(needs_session)

# --- Packages -------------------------------------------------------------------------------------------------------
ABSL := absl_status absl_statusor absl_strings absl_str_format absl_span absl_hash absl_flat_hash_map absl_flat_hash_set \
  absl_inlined_vector absl_optional absl_endian
PACKAGES := $(ABSL) openssl cpp-httplib zlib
PKG_CONFIG ?= pkg-config
goals := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out clean format lint rooms,$(goals)),)
missing := $(shell $(PKG_CONFIG) --exists absl_status || echo libabsl-dev; $(PKG_CONFIG) --exists openssl || echo libssl-dev; \
  $(PKG_CONFIG) --exists cpp-httplib || echo libcpp-httplib-dev; $(PKG_CONFIG) --exists zlib || echo zlib1g-dev; \
  test -e /usr/include/CLI/CLI.hpp || echo libcli11-dev; \
  test -e /usr/include/nlohmann/json.hpp || echo nlohmann-json3-dev)
ifneq ($(strip $(missing)),)
$(error missing Debian packages: $(strip $(missing)) -- `scripts/setup` installs them)
endif
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES))
endif

WARNINGS := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wformat=2 -Werror=format-security $(WERROR)
# A mistake that gets through ends the process instead of writing where it should not (scripts/check-hardening looks).
# No -fcf-protection: Debian's start files are not marked for it, so the kernel would not turn it on. clang 14 knows
# -fstack-clash-protection on x86 alone.
x86 := $(filter x86_64-% i%86-%,$(shell $(CXX) -dumpmachine 2>/dev/null))
HARDENING := -fPIE -fstack-protector-strong $(if $(x86),-fstack-clash-protection) -D_GLIBCXX_ASSERTIONS \
  -U_FORTIFY_SOURCE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=3)
SANITIZER := $(if $(SANITIZE),-DTORRENT_SANITIZED -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CXXFLAGS := -std=c++20 -Iinclude -Isrc -I. -pthread -MMD -MP -DTORRENT_VERSION='"$(VERSION)"' $(WARNINGS) $(HARDENING) \
  $(SANITIZER) $(PKG_CFLAGS) $(CXXFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -pthread $(SANITIZER) $(LDFLAGS)

# The rooms that no block passes through are made small: 0.3 MiB less to hold in memory.
ifeq ($(origin CXXFLAGS),file)
SMALL_ROOMS := $(patsubst %,src/%/,cli dht lan metainfo net sandbox session tracker)
endif

# --- Compiling ------------------------------------------------------------------------------------------------------
# Most of a compilation is the headers. So the sources of a folder are compiled in groups of JOINT, each group as one
# translation unit; it takes a third of the time. JOINT=1 compiles each alone, and `make check` looks at each alone: every source includes
# what it uses. A group's file is written only when other sources belong to it than before.
JOINT ?= 16
after_joint := $(shell echo $$(($(JOINT) + 1)))
hash := \#
# Nobody waits for a test's own code, but everybody for its compiler.
# A sanitizer's report names the source that it is about; a third of the time goes into saying as much of the tests.
TEST_CXXFLAGS := -O0 -U_FORTIFY_SOURCE $(if $(SANITIZE),-g0) \
  $(foreach kind,undefined fuzzer-no-link,$(if $(findstring $(kind),$(SANITIZE)),-fno-sanitize=$(kind)))
define newline


endef
# $(call groups,folder): its objects.  $(call split,list): the first of each JOINT.
split = $(if $(1),$(firstword $(1)) $(call split,$(wordlist $(after_joint),$(words $(1)),$(1))))
sources = $(filter-out src/cli/main.cc,$(sort $(wildcard $(1)/*.cc)))
unit = $(BUILD)/$(dir $(1))$(notdir $(patsubst %/,%,$(dir $(1))))+$(notdir $(basename $(1)))
groups = $(foreach first,$(call split,$(call sources,$(1))),$(call unit,$(first)).o)
# What stands from $(1) on in $(2).
from = $(if $(filter $(1),$(firstword $(2))),$(2),$(call from,$(1),$(wordlist 2,$(words $(2)),$(2))))

define group_rule
text := $$(foreach source,$(2),$$(hash)include "$$(source)"$$(newline))
ifneq ($$(strip $$(text)),$$(strip $$(file <$(1).cc)))
$$(shell mkdir -p $$(dir $(1)))$$(file >$(1).cc,$$(text))
endif
$(1).o: $(1).cc
	$$(call say,c++  $(firstword $(2))$(if $(word 2,$(2)), and $(words $(wordlist 2,99,$(2))) more))
	$$(Q)$$(CXX) $$(ALL_CXXFLAGS) $(if $(filter-out src/% test/support/% test/micro/%,$(2)),$(TEST_CXXFLAGS)) \
	  $(if $(filter $(dir $(firstword $(2))),$(SMALL_ROOMS)),-Os) -c -o $$@ $$<
endef
folder_rules = $(foreach first,$(call split,$(call sources,$(1))),$(eval $(call group_rule,$(call unit,$(first)),$(wordlist 1,$(JOINT),$(call from,$(first),$(call sources,$(1)))))))

library_objects := $(foreach room,$(ROOMS),$(call groups,src/$(room)))
cli_objects := $(call groups,src/cli)
main_object := $(call unit,src/cli/main.cc).o
TEST_FOLDERS := $(patsubst %,test/%,$(ROOMS) cli support servers micro hostile fuzz fuzz/support)
ifneq ($(filter-out clean format lint rooms,$(goals)),)
$(foreach folder,$(patsubst %,src/%,$(ROOMS) cli) $(TEST_FOLDERS),$(call folder_rules,$(folder)))
$(eval $(call group_rule,$(basename $(main_object)),src/cli/main.cc))
endif

# --- The program ----------------------------------------------------------------------------------------------------
check_sources := $(foreach room,$(ROOMS) cli,$(sort $(wildcard src/$(room)/*.cc)))

.PHONY: all test hostile-peers bench check asan tsan fuzz fuzz-programs lint format install clean rooms coverage flags
.DELETE_ON_ERROR:
.SECONDARY:

all: torrent

torrent: $(BUILD)/torrent
	$(Q)cp $< $@.new && mv -f $@.new $@  # a copy that runs keeps its own

$(BUILD)/torrent: $(main_object) $(cli_objects) $(BUILD)/lib$(LIBRARY).a
	$(call say,link $(notdir $@))
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/lib$(LIBRARY).a: $(library_objects)
	$(call say,pack $(notdir $@))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# --- Tests: one program a room, of that room's closure only --------------------------------------------------------
TEST_ROOMS := $(if $(ROOM),$(ROOM),$(notdir $(patsubst %/,%,$(wildcard $(addprefix test/,$(addsuffix /,$(ROOMS) cli fuzz))))))
test_programs := $(patsubst %,$(BUILD)/test/%_test,$(TEST_ROOMS))
# What speaks to a whole swarm: fake trackers, scripted peers.
with_support := swarm session cli fuzz
# What speaks to an HTTP server that answers byte for byte what a test says.
with_servers := net session
# The inputs of test/fuzz/corpus, each once through its target.
needs_fuzz := cli $(needs_cli)

define test_rule
$(BUILD)/test/$(1)_test: $(call groups,test/$(1)) $(foreach room,$(1) $(needs_$(1)),$(call groups,src/$(room))) \
    $(if $(filter $(1),$(with_support)),$(call groups,test/support)) $(if $(filter $(1),$(with_servers)),$(call groups,test/servers)) \
    $(if $(filter fuzz,$(1)),$(call groups,test/fuzz/support))
	$(call say,link $(1)_test)
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $$@ $$(sort $$^) $(PKG_LIBS) -lgmock -lgtest -lgtest_main
endef
$(foreach room,$(ROOMS) cli fuzz,$(eval $(call test_rule,$(room))))

# The tests of the command line also run the program.
$(BUILD)/test/cli_test: | $(BUILD)/torrent

# Each program's last line counts it; the sum is the suite's.
test: $(test_programs)
	$(Q)scripts/run-unit-tests $(if $(FILTER),--filter '$(FILTER)') $(test_programs)

# By clang, which compiles them in half the time; and so both compilers build all of it.
sanitized = $(MAKE) --no-print-directory test CXX=clang++ CXXFLAGS='-O1 -g1'
# With what libFuzzer counts by, so that `make fuzz` compiles only its targets.
asan_and_fuzzer := address,undefined,fuzzer-no-link
asan:
	+$(Q)$(sanitized) BUILD=build/asan SANITIZE=$(asan_and_fuzzer)
tsan:
	+$(Q)$(sanitized) BUILD=build/tsan SANITIZE=thread

# Counts of an earlier run would hide what this one does not reach. Some tests bound the processor's time: -O1 keeps them.
coverage:
	$(Q)mkdir -p build/coverage && find build/coverage -name '*.gcda' -delete
	$(Q)$(MAKE) --no-print-directory test BUILD=build/coverage LDFLAGS=--coverage \
	  CXXFLAGS='-O1 -g1 --coverage -fprofile-update=atomic'
	$(Q)scripts/coverage build/coverage $(ROOM)

# --- Hostile peers as a program, for scripts/test-peers -------------------------------------------------------------
hostile-peers: $(BUILD)/test/hostile_peers
$(BUILD)/test/hostile_peers: $(call groups,test/hostile) $(call groups,test/support) $(foreach room,swarm $(needs_swarm),$(call groups,src/$(room)))
	$(call say,link $(notdir $@))
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $(sort $^) $(PKG_LIBS)

# --- Fuzzing: a program a target, over one build of the library ------------------------------------------------------
fuzz_targets := $(filter-out %_test,$(basename $(notdir $(sort $(wildcard test/fuzz/*.cc)))))
FUZZ_BUILD := build/asan

fuzz:
	$(Q)$(MAKE) --no-print-directory fuzz-programs BUILD=$(FUZZ_BUILD) CXX=clang++ SANITIZE=$(asan_and_fuzzer) \
	  CXXFLAGS='-O1 -g1'
	$(Q)scripts/run-fuzz --build $(FUZZ_BUILD) $(if $(FUZZ_RUNS),--runs $(FUZZ_RUNS),--seconds $(or $(FUZZ_SECONDS),10)) \
	  $(if $(FUZZ_SEED),--seed $(FUZZ_SEED)) $(or $(TARGET),$(fuzz_targets))

fuzz-programs: $(patsubst %,$(BUILD)/%/fuzz,$(or $(TARGET),$(fuzz_targets)))

$(BUILD)/%.fuzz.o: %.cc
	$(call say,c++  $<)
	$(Q)mkdir -p $(@D) && $(CXX) $(ALL_CXXFLAGS) -DTORRENT_LIBFUZZER -c -o $@ $<

# An archive, so that a target gets only what it uses: what libFuzzer looks at after each input grows with the program.
$(BUILD)/libfuzz.a: $(call groups,test/fuzz/support) $(BUILD)/test/support/files.fuzz.o $(cli_objects)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%/fuzz: $(BUILD)/test/fuzz/%.fuzz.o $(BUILD)/libfuzz.a $(BUILD)/lib$(LIBRARY).a
	$(call say,link fuzz $*)
	$(Q)mkdir -p $(@D) && $(CXX) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

# --- Micro-benchmarks: what a block costs, room by room; of the hot pieces only, all in one program ------------------
$(BUILD)/test/micro_bench: $(call groups,test/micro) $(call groups,test/support) $(foreach room,swarm $(needs_swarm),$(call groups,src/$(room)))
	$(call say,link $(notdir $@))
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $(sort $^) $(PKG_LIBS) -lbenchmark -lbenchmark_main

# Files go to memory where there is a place for them.
bench: $(BUILD)/test/micro_bench
	$(Q)TMPDIR=$${TMPDIR:-$$(test -w /dev/shm && echo /dev/shm || echo /tmp)} $< $(if $(FILTER),--benchmark_filter='$(FILTER)')

# --- Static checks -------------------------------------------------------------------------------------------------
check:
	$(call say,check the annotations of locks)
	$(Q)printf '%s\n' $(check_sources) | xargs -n 1 -P $$(nproc) \
	  clang++ -fsyntax-only $(filter-out -MMD -MP,$(ALL_CXXFLAGS)) -Werror -Wthread-safety
	$(Q)scripts/run-clang-tidy $(ALL_CXXFLAGS)

lint:
	$(Q)scripts/lint
# The table of rooms, for scripts/lint: "room: what it may include".
rooms:
	@$(foreach room,$(ROOMS) cli,echo '$(room): $(sort $(needs_$(room)))';)
# What a source is compiled with, for scripts/check-hardening.
flags:
	@echo '$(CXX) $(ALL_CXXFLAGS)'
format:
	$(Q)git ls-files '*.h' '*.cc' | xargs clang-format -i

# --- Installing ----------------------------------------------------------------------------------------------------
install: torrent $(BUILD)/lib$(LIBRARY).a
	$(Q)scripts/install "$(DESTDIR)" "$(PREFIX)" "$(BUILD)" "$(LIBRARY)" "$(VERSION)" "$(PACKAGES)"

clean:
	$(Q)rm -rf build torrent

-include $(patsubst %.o,%.d,$(library_objects) $(cli_objects) $(main_object) $(foreach folder,$(TEST_FOLDERS),$(call groups,$(folder))))
-include $(wildcard $(BUILD)/test/fuzz/*.fuzz.d $(BUILD)/test/support/*.fuzz.d)
