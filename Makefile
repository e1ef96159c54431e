# tapir: one Makefile, not recursive.
#
#   make            build everything into build/
#   make demo       install what is needed, build, and show it at work (see README.md)
#   make test       install what is needed and run every test; make test-unit, test-sim, test-packet, test-e2e, test-fuzz: one kind
#   make bench      measure against the kernel (tests/bench/README.md); BENCH_ARGS=--quick for a short run
#   make fuzz       fuzz for FUZZ_SECONDS (60) a target
#   make install    PREFIX=/usr/local LIBDIR=PREFIX/lib DESTDIR=; make uninstall takes the same
#   make deps       install what building and testing needs from the distribution
#
# V=1 shows the commands. SAN=1 builds with the address and undefined-behaviour sanitizers, into build-san/. FUZZ=1 is for
# `make fuzz`: clang, sanitizers and coverage, into build-fuzz/.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
V ?= 0
SAN ?= 0
VERSION := 0.1.0

FUZZ ?= 0

B := $(if $(filter 1,$(FUZZ)),build-fuzz,$(if $(filter 1,$(SAN)),build-san,build))
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)';)
comma := ,

SAN_FLAGS := $(if $(filter 1,$(FUZZ)),-fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=all)
SAN_FLAGS += $(if $(filter 1,$(SAN)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
CFLAGS ?= -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DTAPIR_VERSION='"$(VERSION)"' $(WARN) -O2 $(SAN_FLAGS) -fPIC \
	-fvisibility=hidden -I. -Iclient-lib/include -MMD -MP $(CFLAGS)
ALL_LDFLAGS = $(SAN_FLAGS) $(LDFLAGS)

ifeq ($(FUZZ),1)
CC := clang
endif

all: programs

objs = $(patsubst %.c,$B/%.o,$(sort $(wildcard $(1))))

# ---- The engine ----
STACK_OBJ := $(call objs,stack/*.c)
$B/libstack.a: $(STACK_OBJ)

# ---- tapird ----
$B/tapird: $(call objs,daemon/*.c) $B/libstack.a
$B/tapird: LIBS = -lcap -linih

# ---- libtapir and the preload shim: the same objects, the shim adds the plain names ----
LIB_OBJ := $(call objs,client-lib/*.c)
SHIM_OBJ := $(call objs,client-lib/*.c client-lib/preload/*.c)
# A sanitized library cannot be preloaded into a program that is not, so the shim never is.
ifeq ($(SAN),1)
SHIM_OBJ := $(SHIM_OBJ:$B/%=$B/shim/%)
$B/libtapir-preload.so: SAN_FLAGS =
endif
$B/libtapir.a: $(LIB_OBJ)
$B/libtapir.so: $(LIB_OBJ)
$B/libtapir-preload.so: $(SHIM_OBJ)
$B/libtapir.so $B/libtapir-preload.so: LIBS = -ldl -lpthread
# The number goes up when a program built against the old library would break.
SONAME := libtapir.so.0
$B/libtapir.so: SHARED_NAME = $(SONAME)

# ---- tapir: all but main() in an archive of its own, which the tests link too ----
# How a program file is looked at is the shim's and theirs.
TOOLS_OBJ := $(filter-out $B/tools/tapir.o,$(call objs,tools/*.c)) $B/client-lib/preload/program.o
$B/libtools.a: $(TOOLS_OBJ)
$B/tapir: $B/tools/tapir.o $(TOOLS_OBJ) $B/libtapir.a
$B/tapir: LIBS = -ljansson -lpthread
$B/tools/run_preload.o: ALL_CFLAGS += -DTAPIR_LIBDIR='"$(LIBDIR)"' -DMULTIARCH='"$(shell $(CC) -print-multiarch)"'

PROGRAMS := $B/tapird $B/tapir $B/libtapir.a $B/libtapir.so $B/libtapir-preload.so

programs: $B/libstack.a $(PROGRAMS)

# ---- Tests: one program a file; what they share is in tests/lib ----
TEST_LIB := $(call objs,tests/lib/*.c)
UNIT_TESTS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/unit/test_*.c)))
PACKET_TESTS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/packet/test_*.c)))
SIM_TESTS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/sim/test_*.c)))
SIM_LIB := $(call objs,tests/sim/sim_*.c)
BENCH := $B/tests/bench/bench
ENGINE_EXAMPLES := $B/tests/examples/engine_ping
CLIENT_EXAMPLES := $B/tests/examples/tcp_client $B/tests/examples/tcp_server
EXAMPLES := $(ENGINE_EXAMPLES) $(CLIENT_EXAMPLES)
E2E_PROGRAMS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/e2e/*.c)))

TOOLS_TESTS := $(filter $B/tests/unit/test_tools_%,$(UNIT_TESTS))

$(TOOLS_TESTS): $B/%: $B/%.o $B/libtools.a $B/libtapir.a
$(filter-out $(TOOLS_TESTS),$(UNIT_TESTS)) $(PACKET_TESTS): $B/%: $B/%.o $(TEST_LIB) $B/libtools.a $B/libtapir.a $B/libstack.a
$(SIM_TESTS): $B/%: $B/%.o $(SIM_LIB) $(TEST_LIB) $B/libtools.a $B/libtapir.a $B/libstack.a
$B/tests/unit/test_config: $B/daemon/config.o $B/daemon/log.o
$B/tests/unit/test_request: $B/daemon/request.o
$B/tests/unit/test_ledger: $B/daemon/ledger.o
$B/tests/unit/test_lease: $B/daemon/lease.o
$B/tests/unit/test_netlink: $B/daemon/netlink_answer.o
$(UNIT_TESTS) $(PACKET_TESTS) $(SIM_TESTS): LIBS = -lcmocka -Wl,--as-needed -ljansson -linih
$(E2E_PROGRAMS): $B/%: $B/%.o $B/libtapir.a
$(E2E_PROGRAMS): LIBS = -lpthread
$(ENGINE_EXAMPLES): $B/%: $B/%.o $B/libstack.a
$(CLIENT_EXAMPLES): $B/%: $B/%.o $B/libtapir.a
$(CLIENT_EXAMPLES): LIBS = -ldl -lpthread
# The measuring program knows nothing of tapir: it runs on the kernel and, unchanged, under `tapir run`.
$(BENCH): $(call objs,tests/bench/*.c)
$(BENCH): LIBS = -lpthread

# Asks for every socket option, on the kernel and, unchanged, under `tapir run`; prints client-lib/OPTIONS.md.
OPTION_PROBE := $B/tests/options/probe
$(OPTION_PROBE): $B/%: $B/%.o $B/client-lib/option_table.o

tests: $(UNIT_TESTS) $(PACKET_TESTS) $(SIM_TESTS) $(BENCH) $(EXAMPLES) $(E2E_PROGRAMS) $(OPTION_PROBE)

bench: programs $(BENCH)
	$(Q)python3 tests/bench/bench.py --build $B $(BENCH_ARGS)

# ---- Running the tests (tests/README.md): unit, packet and sim tests with the sanitizers, end-to-end tests with both builds ----
JOBS := $(shell nproc)

test: deps
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) SAN=0 all tests
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) SAN=1 all tests
	$(Q)tests/run.py unit packet sim examples fuzz e2e

test-unit test-packet test-sim:
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) SAN=1 tests
	$(Q)tests/run.py $(@:test-%=%)

test-fuzz:
	$(Q)tests/run.py fuzz

# ---- Fuzzing: tests/fuzz/fuzz_*.c, one libFuzzer target a file; tests/fuzz/corpus/TARGET holds what each begins with ----
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?= $(notdir $(basename $(sort $(wildcard tests/fuzz/fuzz_*.c))))
FUZZ_PROGRAMS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

$(FUZZ_PROGRAMS): $B/%: $B/%.o $(TEST_LIB) $(filter-out $B/daemon/main.o,$(call objs,daemon/*.c)) $B/libstack.a
$(FUZZ_PROGRAMS): LIBS = -fsanitize=fuzzer -lcmocka -lcap -linih -Wl,--as-needed

fuzz:
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) FUZZ=1 SAN=0 $(addprefix build-fuzz/tests/fuzz/,$(FUZZ_TARGET))
	$(Q)set -e; for t in $(FUZZ_TARGET); do \
		mkdir -p build-fuzz/corpus/$$t build-fuzz/found; seeds=tests/fuzz/corpus/$$t; [ -d $$seeds ] || seeds=; \
		echo "  FUZZ     $$t for $(FUZZ_SECONDS) s"; \
		build-fuzz/tests/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) -max_len=70000 -rss_limit_mb=4096 -timeout=20 \
			-print_final_stats=1 -artifact_prefix=build-fuzz/found/$$t- build-fuzz/corpus/$$t $$seeds; done

test-e2e:
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) SAN=0 all tests
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) SAN=1 all
	$(Q)tests/run.py e2e

# ---- Google's packetdrill against the engine, where its sources are at hand (tests/packet/packetdrill/README.md) ----
PACKETDRILL ?=
$B/libtapir-packetdrill.so: tests/packet/packetdrill/adapter.c $B/libstack.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -I$(PACKETDRILL) -shared -o $@ $< $B/libstack.a -lpthread

packetdrill: $B/libtapir-packetdrill.so
	@tests/packet/packetdrill/run $(PACKETDRILL)/packetdrill $< tests/packet/packetdrill/*.pkt

# ---- Installing what is needed, and installing tapir ----
deps:
	$(Q)tools/deps.sh build test

demo:
	$(Q)tools/deps.sh build demo
	$(Q)$(MAKE) -s --no-print-directory -j$(JOBS) SAN=0 all
	$(Q)tools/demo.sh $B

MAN_PAGES := man8/tapird.8 man1/tapir.1 man1/tapir-run.1 man3/tapir.3
HEADERS := $(notdir $(wildcard client-lib/include/tapir/*.h))
INSTALLED := sbin/tapird bin/tapir $(addprefix include/tapir/,$(HEADERS)) $(addprefix share/man/,$(MAN_PAGES))
INSTALLED_LIB := libtapir.so.$(VERSION) $(SONAME) libtapir.so libtapir.a libtapir-preload.so pkgconfig/tapir.pc

# The static library for others: one object, in which only the API's names are left, so that none clashes with a program's.
$B/public/libtapir.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@
	$(Q)$(LD) -r -o $(@D)/libtapir.o $(filter %.o,$^) && objcopy --localize-hidden $(@D)/libtapir.o && \
		ar rcs $@ $(@D)/libtapir.o

install: programs $B/public/libtapir.a
	$(Q)install -d $(addprefix $(DESTDIR)$(PREFIX)/,$(sort $(dir $(INSTALLED)))) $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)install -m 755 $B/tapird $(DESTDIR)$(PREFIX)/sbin/tapird
	$(Q)install -m 755 $B/tapir $(DESTDIR)$(PREFIX)/bin/tapir
	$(Q)install -m 644 $B/libtapir.so $(DESTDIR)$(LIBDIR)/libtapir.so.$(VERSION)
	$(Q)ln -sf libtapir.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	$(Q)ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libtapir.so
	$(Q)install -m 644 $B/public/libtapir.a $B/libtapir-preload.so $(DESTDIR)$(LIBDIR)/
	$(Q)install -m 644 $(addprefix client-lib/include/tapir/,$(HEADERS)) $(DESTDIR)$(PREFIX)/include/tapir/
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' tools/tapir.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/tapir.pc
	$(Q)for page in $(MAN_PAGES); do \
		install -m 644 tools/man/$${page#*/} $(DESTDIR)$(PREFIX)/share/man/$$page || exit 1; done
	$(Q)[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ! command -v ldconfig >/dev/null || ldconfig

uninstall:
	$(Q)rm -f $(addprefix $(DESTDIR)$(PREFIX)/,$(INSTALLED)) $(addprefix $(DESTDIR)$(LIBDIR)/,$(INSTALLED_LIB))
	$(Q)rmdir $(DESTDIR)$(PREFIX)/include/tapir 2>/dev/null || true

# ---- How ----
$B/shim/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$B/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

%.so:
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(or $(SHARED_NAME),$(@F)) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)
	$(if $(SHARED_NAME),$(Q)ln -sf $(@F) $(@D)/$(SHARED_NAME))

$B/tapird $B/tapir $(UNIT_TESTS) $(PACKET_TESTS) $(SIM_TESTS) $(BENCH) $(EXAMPLES) $(E2E_PROGRAMS) $(OPTION_PROBE) $(FUZZ_PROGRAMS):
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

clean:
	rm -rf build build-san build-fuzz

.PHONY: all programs deps demo install uninstall tests test test-unit test-packet test-sim test-fuzz test-e2e fuzz bench packetdrill clean
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)
