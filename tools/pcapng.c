/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/pcapng.h"

#include <errno.h>
#include <string.h>

/* draft-ietf-opsawg-pcapng: a block is its type, its total length, a body padded to 32 bits, and the length again (section
 * 3.1). Options are code, length, value padded to 32 bits, and end with code 0 (section 3.5). */
enum {
	BLOCK_INTERFACE = 1,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	BLOCK_FRAME_BYTES = 12, /* type, length, length */

	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_SHB_USERAPPL = 4,
	OPT_IF_NAME = 2,
	OPT_IF_MAC = 6,
	OPT_IF_TSRESOL = 9,
	OPT_EPB_FLAGS = 2,

	OPTION_BYTES_MAX = 0xffff,
};

struct option_out {
	uint16_t code;
	uint16_t len;
	const void *value;
};

static size_t pad4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static int put(struct pcapng *w, const void *p, size_t n)
{
	if (n && fwrite(p, n, 1, w->file) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

static int put_padded(struct pcapng *w, const void *p, size_t n)
{
	static const uint8_t zero[4];
	int err = put(w, p, n);

	return err ? err : put(w, zero, pad4(n) - n);
}

static size_t options_bytes(const struct option_out *o, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += 4 + pad4(o[i].len);
	return n ? bytes + 4 : 0;
}

static int put_options(struct pcapng *w, const struct option_out *o, size_t n)
{
	static const struct option_out end = { OPT_END, 0, NULL };
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = put(w, &o[i], 4);
		if (!err)
			err = put_padded(w, o[i].value, o[i].len);
	}
	return err || !n ? err : put(w, &end, 4);
}

_Static_assert(offsetof(struct option_out, value) >= 4, "code and length lie first and side by side");

/* One whole block: @fixed is the body's fixed part, @data what follows it. */
static int put_block(struct pcapng *w, uint32_t type, const void *fixed, size_t fixed_bytes, const void *data,
		     size_t data_bytes, const struct option_out *options, size_t option_count)
{
	size_t total = BLOCK_FRAME_BYTES + fixed_bytes + pad4(data_bytes) + options_bytes(options, option_count);
	uint32_t head[2] = { type, (uint32_t)total };
	int err;

	if (total > UINT32_MAX)
		return -EMSGSIZE;
	err = put(w, head, sizeof(head));
	if (!err)
		err = put(w, fixed, fixed_bytes);
	if (!err)
		err = put_padded(w, data, data_bytes);
	if (!err)
		err = put_options(w, options, option_count);
	return err ? err : put(w, &head[1], 4);
}

static struct option_out text_option(uint16_t code, const char *text, size_t len)
{
	return (struct option_out){ code, (uint16_t)(len < OPTION_BYTES_MAX ? len : OPTION_BYTES_MAX), text };
}

int pcapng_begin(struct pcapng *w, FILE *file, const char *application)
{
	struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t section_bytes[2];
	} fixed = { BYTE_ORDER_MAGIC, 1, 0, { UINT32_MAX, UINT32_MAX } }; /* the section's length: not told */
	struct option_out app = text_option(OPT_SHB_USERAPPL, application, strlen(application));

	*w = (struct pcapng){ .file = file };
	return put_block(w, BLOCK_SECTION, &fixed, sizeof(fixed), NULL, 0, &app, 1);
}

int pcapng_add_interface(struct pcapng *w, const char *name, enum pcapng_linktype linktype, uint32_t snap_bytes,
			 const uint8_t *mac)
{
	static const uint8_t nanoseconds = 9; /* 10^-9 */
	struct {
		uint16_t linktype, reserved;
		uint32_t snap_bytes;
	} fixed = { (uint16_t)linktype, 0, snap_bytes };
	struct option_out options[3] = {
		text_option(OPT_IF_NAME, name, strlen(name)),
		{ OPT_IF_TSRESOL, 1, &nanoseconds },
		{ OPT_IF_MAC, 6, mac },
	};
	int err = put_block(w, BLOCK_INTERFACE, &fixed, sizeof(fixed), NULL, 0, options, mac ? 3 : 2);

	return err ? err : (int)w->interface_count++;
}

int pcapng_write_packet(struct pcapng *w, const struct pcapng_packet *p)
{
	uint32_t fixed[5] = { p->interface, (uint32_t)(p->time_ns >> 32), (uint32_t)p->time_ns, p->captured_bytes,
			      p->packet_bytes };
	uint32_t flags = p->direction; /* bits 0-1: 01 inbound, 10 outbound */
	struct option_out options[2];
	size_t n = 0;

	if (p->interface >= w->interface_count || p->captured_bytes > p->packet_bytes)
		return -EINVAL;
	if (p->direction != PCAPNG_UNKNOWN)
		options[n++] = (struct option_out){ OPT_EPB_FLAGS, sizeof(flags), &flags };
	if (p->comment_bytes)
		options[n++] = text_option(OPT_COMMENT, p->comment, p->comment_bytes);
	return put_block(w, BLOCK_ENHANCED_PACKET, fixed, sizeof(fixed), p->data, p->captured_bytes, options, n);
}
