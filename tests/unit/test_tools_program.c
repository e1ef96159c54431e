/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tools_program.c - what tapir run finds out about a program file. The ELF files are made here, a header and what matters. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client-lib/preload/program.h"

static char dir[64];

struct image {
	ElfW(Ehdr) header;
	ElfW(Phdr) segments[2];
	struct {
		ElfW(Nhdr) header;
		char name[4];
		char id[8];
	} note;
	char linker[64];
};

static struct image elf(const char *linker)
{
	ElfW(Ehdr) own;
	struct image m = { .note = { { 4, 8, 4 }, "Go", "buildid" } };
	int fd = open("/proc/self/exe", O_RDONLY);

	assert_int_equal(read(fd, &own, sizeof(own)), sizeof(own));
	close(fd);
	m.header = own; /* this machine's, word size and all */
	m.header.e_phoff = offsetof(struct image, segments);
	m.header.e_phnum = 2;
	m.segments[0].p_type = linker ? PT_INTERP : PT_NULL;
	m.segments[0].p_offset = offsetof(struct image, linker);
	m.segments[0].p_filesz = sizeof(m.linker);
	m.segments[1].p_offset = offsetof(struct image, note);
	m.segments[1].p_filesz = sizeof(m.note);
	if (linker)
		snprintf(m.linker, sizeof(m.linker), "%s", linker);
	return m;
}

static const char *make(const char *name, const void *bytes, size_t n, mode_t mode)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0700);
	assert_int_equal(write(fd, bytes, n), n);
	fchmod(fd, mode);
	close(fd);
	return path;
}

static enum program_kind kind_of(const char *path)
{
	static struct program p;

	program_inspect(path, &p);
	return p.kind;
}

static enum program_kind kind_of_image(const struct image *m)
{
	return kind_of(make("image", m, sizeof(*m), 0755));
}

static const char glibc[] = "/lib64/ld-linux-x86-64.so.2";

static void test_elf_files_are_told_apart(void **state)
{
	struct image m = elf(glibc);

	(void)state;
	assert_int_equal(kind_of_image(&m), PROGRAM_DYNAMIC);
	m = elf(NULL);
	assert_int_equal(kind_of_image(&m), PROGRAM_STATIC);
	m = elf("/lib/ld-musl-x86_64.so.1");
	assert_int_equal(kind_of_image(&m), PROGRAM_OTHER_LIBC);
	m = elf(glibc);
	m.segments[1].p_type = PT_NOTE;
	assert_int_equal(kind_of_image(&m), PROGRAM_GO);
	memcpy(m.note.name, "GNU", 4);
	assert_int_equal(kind_of_image(&m), PROGRAM_DYNAMIC);
	m.header.e_machine = EM_SPARC;
	assert_int_equal(kind_of_image(&m), PROGRAM_FOREIGN);
	m = elf(glibc);
	m.header.e_ident[EI_CLASS] = ELFCLASSNONE;
	assert_int_equal(kind_of_image(&m), PROGRAM_FOREIGN);
}

static void test_damaged_elf_files_do_no_harm(void **state)
{
	struct image m = elf(glibc);

	(void)state;
	for (size_t n = 0; n < sizeof(m); n++)
		kind_of(make("cut", &m, n, 0755));
	m.segments[1].p_type = PT_NOTE;
	m.note.header.n_namesz = UINT32_MAX;
	assert_int_equal(kind_of_image(&m), PROGRAM_DYNAMIC);
	m.note.header.n_namesz = 5;
	m.note.header.n_descsz = UINT32_MAX;
	assert_int_equal(kind_of_image(&m), PROGRAM_DYNAMIC);
	m.segments[0].p_offset = m.segments[1].p_offset = (ElfW(Off))-1;
	kind_of_image(&m);
	m.header.e_phoff = (ElfW(Off))-1;
	m.header.e_phnum = UINT16_MAX;
	kind_of_image(&m);
}

static void test_set_user_id_counts_when_it_changes_the_user(void **state)
{
	struct image m = elf(glibc);
	const char *path = make("setuid", &m, sizeof(m), 04755);

	(void)state;
	assert_int_equal(kind_of(path), PROGRAM_DYNAMIC); /* our own file: nothing changes */
	if (geteuid() != 0)
		skip(); /* giving a file away takes root */
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_int_equal(chmod(path, 04755), 0);
	assert_int_equal(kind_of(path), PROGRAM_PRIVILEGED);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(kind_of(path), PROGRAM_DYNAMIC);
}

static enum program_kind script(const char *format, const char *name)
{
	char text[400], path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(text, sizeof(text), format, path);
	return kind_of(make("script", text, strlen(text), 0755));
}

static void test_scripts_are_followed_to_their_interpreter(void **state)
{
	struct image dynamic = elf(glibc), fixed = elf(NULL);

	(void)state;
	make("dynamic", &dynamic, sizeof(dynamic), 0755);
	make("static", &fixed, sizeof(fixed), 0755);
	assert_int_equal(script("#!%s\n", "dynamic"), PROGRAM_DYNAMIC);
	assert_int_equal(script("#! %s -x y\nexit", "static"), PROGRAM_STATIC);
	assert_int_equal(script("#!%s", "missing"), PROGRAM_MISSING);
	assert_int_equal(script("#!\n", ""), PROGRAM_MISSING);
	assert_int_equal(script("#!/usr/bin/env %s\n", "static"), PROGRAM_STATIC);
	assert_int_equal(script("#!/usr/bin/env -S A=b %s -v\n", "dynamic"), PROGRAM_DYNAMIC);
	assert_int_equal(script("#!%s", "script"), PROGRAM_MISSING); /* itself, for ever */
	assert_int_equal(script("echo %s\n", "plain text"), PROGRAM_TEXT);
}

static void test_programs_are_found_as_execvp_finds_them(void **state)
{
	struct image m = elf(glibc);
	char path[256], dirs[256];

	(void)state;
	make("here", &m, sizeof(m), 0755);
	make("not-executable", &m, sizeof(m), 0644);
	snprintf(dirs, sizeof(dirs), "/nonexistent:%s", dir);
	setenv("PATH", dirs, 1);
	assert_int_equal(program_find("here", path, sizeof(path)), 0);
	assert_memory_equal(path, dir, strlen(dir));
	assert_int_equal(program_find("nowhere", path, sizeof(path)), ENOENT);
	assert_int_equal(program_find("./nowhere", path, sizeof(path)), ENOENT);
	assert_int_equal(program_find("/", path, sizeof(path)), EACCES);
	assert_int_equal(program_find("", path, sizeof(path)), ENOENT);
	assert_int_equal(program_find("not-executable", path, sizeof(path)), EACCES);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/tapir-unit-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "image", "cut",  "setuid", "dynamic", "static", "script", "here", "not-executable" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_files_are_told_apart),
		cmocka_unit_test(test_damaged_elf_files_do_no_harm),
		cmocka_unit_test(test_set_user_id_counts_when_it_changes_the_user),
		cmocka_unit_test(test_scripts_are_followed_to_their_interpreter),
		cmocka_unit_test(test_programs_are_found_as_execvp_finds_them),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
