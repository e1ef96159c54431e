/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tools_pcapng.c - the pcapng writer, block for block against draft-ietf-opsawg-pcapng. */
#include "tools/pcapng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Read back, in this machine's byte order. */
static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint16_t u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

static void test_pcapng_section_header_is_section_4_1(void **state)
{
	char *bytes;
	size_t len;
	FILE *f = open_memstream(&bytes, &len);
	struct pcapng w;
	const uint8_t *b;

	(void)state;
	assert_int_equal(pcapng_begin(&w, f, "tapir"), 0);
	fflush(f);
	b = (const uint8_t *)bytes;
	assert_int_equal(len, 28 + 4 + 8 + 4); /* fixed block, option head, "tapir" padded, end of options */
	assert_int_equal(u32(b), 0x0a0d0d0a);
	assert_int_equal(u32(b + 4), len);
	assert_int_equal(u32(b + 8), 0x1a2b3c4d);
	assert_int_equal(u16(b + 12), 1);
	assert_int_equal(u16(b + 14), 0);
	assert_int_equal(u16(b + 24), 4); /* shb_userappl */
	assert_int_equal(u16(b + 26), 5);
	assert_memory_equal(b + 28, "tapir\0\0\0", 8);
	assert_int_equal(u32(b + 36), 0); /* opt_endofopt */
	assert_int_equal(u32(b + len - 4), len);
	fclose(f);
	free(bytes);
}

static void test_pcapng_interface_has_name_and_nanosecond_resolution(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	char *bytes;
	size_t len, head;
	FILE *f = open_memstream(&bytes, &len);
	struct pcapng w;
	const uint8_t *b;

	(void)state;
	pcapng_begin(&w, f, "t");
	fflush(f);
	head = len;
	assert_int_equal(pcapng_add_interface(&w, "tap0", PCAPNG_ETHERNET, 96, mac), 0);
	assert_int_equal(pcapng_add_interface(&w, "tap1", PCAPNG_ETHERNET, 96, NULL), 1);
	fflush(f);
	b = (const uint8_t *)bytes + head;
	assert_int_equal(u32(b), 1);
	assert_int_equal(u32(b + 4), 16 + 8 + 8 + 12 + 4 + 4);
	assert_int_equal(u16(b + 8), 1);   /* LINKTYPE_ETHERNET */
	assert_int_equal(u32(b + 12), 96); /* SnapLen */
	assert_int_equal(u16(b + 16), 2);  /* if_name */
	assert_int_equal(u16(b + 18), 4);
	assert_memory_equal(b + 20, "tap0", 4);
	assert_int_equal(u16(b + 24), 9); /* if_tsresol */
	assert_int_equal(u16(b + 26), 1);
	assert_int_equal(b[28], 9); /* 10^-9 s */
	assert_int_equal(u16(b + 32), 6); /* if_MACaddr */
	assert_memory_equal(b + 36, mac, 6);
	fclose(f);
	free(bytes);
}

static void test_pcapng_packet_has_time_lengths_direction_and_comment(void **state)
{
	char *bytes;
	size_t len, head;
	FILE *f = open_memstream(&bytes, &len);
	struct pcapng w;
	struct pcapng_packet p = { .time_ns = 0x0123456789abcdefULL, .packet_bytes = 60, .captured_bytes = 5, .data = "abcde",
				   .direction = PCAPNG_OUT, .comment = "tcp.drop.x", .comment_bytes = 10 };
	const uint8_t *b;

	(void)state;
	pcapng_begin(&w, f, "t");
	pcapng_add_interface(&w, "tap0", PCAPNG_ETHERNET, 0, NULL);
	fflush(f);
	head = len;
	assert_int_equal(pcapng_write_packet(&w, &p), 0);
	fflush(f);
	b = (const uint8_t *)bytes + head;
	assert_int_equal(u32(b), 6);
	assert_int_equal(u32(b + 4), 32 + 8 + 8 + (4 + 12) + 4);
	assert_int_equal(len - head, u32(b + 4));
	assert_int_equal(u32(b + 8), 0);
	assert_int_equal(u32(b + 12), 0x01234567); /* high half first (section 4.3) */
	assert_int_equal(u32(b + 16), 0x89abcdef);
	assert_int_equal(u32(b + 20), 5);
	assert_int_equal(u32(b + 24), 60);
	assert_memory_equal(b + 28, "abcde\0\0\0", 8);
	assert_int_equal(u16(b + 36), 2); /* epb_flags */
	assert_int_equal(u32(b + 40), 2); /* outbound */
	assert_int_equal(u16(b + 44), 1); /* opt_comment */
	assert_int_equal(u16(b + 46), 10);
	assert_memory_equal(b + 48, "tcp.drop.x\0\0", 12);
	assert_int_equal(u32(b + 60), 0);
	assert_int_equal(u32(b + 64), u32(b + 4));
	fclose(f);
	free(bytes);
}

static void test_pcapng_packet_without_options_has_none(void **state)
{
	char *bytes;
	size_t len, head;
	FILE *f = open_memstream(&bytes, &len);
	struct pcapng w;
	struct pcapng_packet p = { .packet_bytes = 4, .captured_bytes = 4, .data = "abcd" };

	(void)state;
	pcapng_begin(&w, f, "t");
	pcapng_add_interface(&w, "lo", PCAPNG_RAW_IP, 0, NULL);
	fflush(f);
	head = len;
	assert_int_equal(pcapng_write_packet(&w, &p), 0);
	fflush(f);
	assert_int_equal(len - head, 32 + 4);
	fclose(f);
	free(bytes);
}

static void test_pcapng_refuses_unknown_interface_and_more_bytes_than_the_packet(void **state)
{
	struct pcapng w = { .file = NULL, .interface_count = 1 };
	struct pcapng_packet p = { .interface = 1, .packet_bytes = 4, .captured_bytes = 4, .data = "abcd" };

	(void)state;
	assert_int_equal(pcapng_write_packet(&w, &p), -EINVAL);
	p.interface = 0;
	p.captured_bytes = 5;
	assert_int_equal(pcapng_write_packet(&w, &p), -EINVAL);
}

static void test_pcapng_reports_a_full_disk(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct pcapng w;

	(void)state;
	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	assert_int_equal(pcapng_begin(&w, f, "t"), -ENOSPC);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcapng_section_header_is_section_4_1),
		cmocka_unit_test(test_pcapng_interface_has_name_and_nanosecond_resolution),
		cmocka_unit_test(test_pcapng_packet_has_time_lengths_direction_and_comment),
		cmocka_unit_test(test_pcapng_packet_without_options_has_none),
		cmocka_unit_test(test_pcapng_refuses_unknown_interface_and_more_bytes_than_the_packet),
		cmocka_unit_test(test_pcapng_reports_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
