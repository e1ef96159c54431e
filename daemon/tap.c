/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

/* Newer than the headers of the oldest system we build on; the kernel is asked, not the headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
	VNET_HDR_BYTES = sizeof(struct virtio_net_hdr),
	FRAME_MAX = FRAME_LARGE_BYTES - FRAME_HEADROOM,
};

/* ---- Opening ------------------------------------------------------------------------------------------------------ */

static int open_error(const struct config_link *c, int e, char *error)
{
	if (e == ENOENT || e == ENODEV || e == ENXIO) {
		snprintf(error, TAP_ERROR_MAX, "/dev/net/tun is missing: load the kernel's tun module (`modprobe tun`), or make the node "
			 "(`mkdir -p /dev/net && mknod /dev/net/tun c 10 200`)");
		return EX_UNAVAILABLE;
	}
	snprintf(error, TAP_ERROR_MAX, "/dev/net/tun: %s: TAP %s cannot be opened; run as root, or in namespaces of your own "
		 "(`unshare -Urn tapird ...`)", strerror(e), c->tap);
	return e == EACCES || e == EPERM ? EX_NOPERM : EX_UNAVAILABLE;
}

static int attach_error(const struct config_link *c, int e, char *error)
{
	if (e == EPERM || e == EACCES) {
		snprintf(error, TAP_ERROR_MAX, "TAP %s: no permission; run as root or in namespaces of your own (`unshare -Urn tapird ...`), "
			 "or make it for your user first (`ip tuntap add %s mode tap user NAME`)", c->tap, c->tap);
		return EX_NOPERM;
	}
	if (e == EBUSY) {
		snprintf(error, TAP_ERROR_MAX, "TAP %s: another program has it open; stop that, or choose another with --tap", c->tap);
		return EX_UNAVAILABLE;
	}
	if (e == EINVAL) {
		snprintf(error, TAP_ERROR_MAX, "TAP %s: an interface of this name exists and is no single-queue TAP; choose another with --tap",
			 c->tap);
		return EX_UNAVAILABLE;
	}
	snprintf(error, TAP_ERROR_MAX, "TAP %s: %s", c->tap, strerror(e));
	return EX_UNAVAILABLE;
}

/* Ask for everything, then for less until the kernel agrees; 0 if it agrees to nothing. */
static uint32_t negotiate_offloads(int fd)
{
	static const struct {
		unsigned long tun;
		uint32_t link;
	} steps[] = {
		{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
		  LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 | LINK_OFFLOAD_USO },
		{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 },
		{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 | LINK_OFFLOAD_TSO6 },
		{ TUN_F_CSUM | TUN_F_TSO4, LINK_OFFLOAD_CSUM | LINK_OFFLOAD_TSO4 },
		{ TUN_F_CSUM, LINK_OFFLOAD_CSUM },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (ioctl(fd, TUNSETOFFLOAD, steps[i].tun) == 0)
			return steps[i].link;
	return 0;
}

/* A stable, locally administered address for this host, daemon and device (FNV-1a of their names), unlike the kernel's end's.
 * The daemon's name is its socket, the one name that no other daemon of the host has: devices of two namespaces share theirs. */
static void choose_mac(struct tap *tap, const struct config_link *c, const char *socket)
{
	uint64_t h = 0xcbf29ce484222325u;
	char text[256 + CONFIG_PATH_MAX + IFNAMSIZ + 2] = "";

	if (c->has_mac) {
		memcpy(tap->mac, c->mac, 6);
		return;
	}
	if (gethostname(text, 256) < 0)
		text[0] = '\0';
	text[255] = '\0';
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "/%s/%s", socket, tap->name);
	for (const char *p = text; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3u;
	for (int i = 0; i < 6; i++)
		tap->mac[i] = (uint8_t)(h >> 8 * i);
	tap->mac[0] = (uint8_t)((tap->mac[0] & 0xfc) | 0x02);
	if (memcmp(tap->mac, tap->host_mac, 6) == 0)
		tap->mac[5] ^= 1;
}

static int ask_device(struct tap *tap, char *error)
{
	struct ifreq mac = { 0 }, index = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	memcpy(mac.ifr_name, tap->name, IFNAMSIZ);
	memcpy(index.ifr_name, tap->name, IFNAMSIZ);
	r = s < 0 ? -1 : ioctl(s, SIOCGIFHWADDR, &mac) < 0 || ioctl(s, SIOCGIFINDEX, &index) < 0 ? -1 : 0;
	if (r < 0)
		snprintf(error, TAP_ERROR_MAX, "TAP %s: %s", tap->name, strerror(errno));
	if (s >= 0)
		close(s);
	if (r < 0)
		return EX_OSERR;
	tap->host_ifindex = index.ifr_ifindex;
	memcpy(tap->host_mac, mac.ifr_hwaddr.sa_data, sizeof(tap->host_mac));
	return 0;
}

/* Make the open descriptor that of the device. */
static int attach(struct tap *tap, const struct config_link *config, char *error)
{
	struct ifreq ifr = { 0 }, is = { 0 };
	int hdr_bytes = VNET_HDR_BYTES;

	strcpy(ifr.ifr_name, config->tap);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | (config->offload ? IFF_VNET_HDR : 0);
	if (ioctl(tap->fd, TUNSETIFF, &ifr) < 0)
		return attach_error(config, errno, error);
	memcpy(tap->name, ifr.ifr_name, IFNAMSIZ);
	tap->is_lasting = ioctl(tap->fd, TUNGETIFF, &is) == 0 && is.ifr_flags & IFF_PERSIST;
	tap->bridge = -1;
	if (config->offload) {
		if (ioctl(tap->fd, TUNSETVNETHDRSZ, &hdr_bytes) < 0) {
			snprintf(error, TAP_ERROR_MAX, "TAP %s: TUNSETVNETHDRSZ: %s; try --offload off", tap->name, strerror(errno));
			return EX_OSERR;
		}
		tap->has_vnet_hdr = true;
		tap->offloads = negotiate_offloads(tap->fd);
	} else {
		/* A persistent device may remember what an earlier owner asked for. */
		ioctl(tap->fd, TUNSETOFFLOAD, 0UL);
	}
	return ask_device(tap, error);
}

int tap_open(struct tap *tap, const struct config_link *config, const char *socket, char error[TAP_ERROR_MAX])
{
	int status;

	*tap = (struct tap){ .fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC) };
	status = tap->fd < 0 ? open_error(config, errno, error) : attach(tap, config, error);

	if (status == 0)
		choose_mac(tap, config, socket);
	return status;
}

/* The descriptor outlives its device, and takes another one of the name, for which we may lack the permission to open it anew.
 * Our address stays: programs and neighbours know it. */
int tap_reattach(struct tap *tap, const struct config_link *config, char error[TAP_ERROR_MAX])
{
	struct tap again = *tap;
	int status = attach(&again, config, error);

	if (status)
		return errno == EBUSY && !again.host_ifindex ? -EAGAIN : status;
	if (again.offloads != tap->offloads) {
		snprintf(error, TAP_ERROR_MAX, "TAP %s: it does not take on what the one before it did", tap->name);
		return EX_UNAVAILABLE;
	}
	*tap = again;
	return 0;
}

void tap_close(struct tap *tap)
{
	frame_unref(tap->small);
	frame_unref(tap->large);
	tap->small = tap->large = NULL;
	if (tap->fd >= 0)
		close(tap->fd);
	tap->fd = -1;
}

const char *tap_offload_text(uint32_t offloads, char text[64])
{
	snprintf(text, 64, "%s%s%s%s", offloads & LINK_OFFLOAD_CSUM ? "checksum" : "none",
		 offloads & LINK_OFFLOAD_TSO4 ? ", TSO4" : "", offloads & LINK_OFFLOAD_TSO6 ? ", TSO6" : "",
		 offloads & LINK_OFFLOAD_USO ? ", USO" : "");
	return text;
}

/* ---- Frames ------------------------------------------------------------------------------------------------------- */

/* What the engine has no name for becomes a GSO kind it does not know, which it drops and counts (link.drop.offload). */
enum { GSO_UNKNOWN = 0xff };

static void offload_from_vnet(struct frame_offload *off, const struct virtio_net_hdr *h)
{
	*off = (struct frame_offload){ 0 };
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		off->csum = FRAME_CSUM_PARTIAL;
		off->csum_start = h->csum_start;
		off->csum_offset = h->csum_offset;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		off->csum = FRAME_CSUM_VALID;
	}
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		off->gso = FRAME_GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		off->gso = FRAME_GSO_TCP6;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		off->gso = FRAME_GSO_UDP;
		break;
	default:
		off->gso = GSO_UNKNOWN;
		break;
	}
	off->gso_size = h->gso_size;
	off->hdr_len = h->hdr_len;
}

static void vnet_from_offload(struct virtio_net_hdr *h, const struct frame_offload *off)
{
	static const uint8_t gso_types[] = {
		[FRAME_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
		[FRAME_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[FRAME_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
		[FRAME_GSO_UDP] = VIRTIO_NET_HDR_GSO_UDP_L4,
	};

	*h = (struct virtio_net_hdr){ .gso_type = gso_types[off->gso], .gso_size = off->gso_size, .hdr_len = off->hdr_len };
	if (off->csum == FRAME_CSUM_PARTIAL) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = off->csum_start;
		h->csum_offset = off->csum_offset;
	} else if (off->csum == FRAME_CSUM_VALID) {
		h->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
}

/* A frame is read into a small buffer whose overflow is a large one, at the place where the overflow would lie if the frame were
 * all there. So most frames never hold 64 KiB, and a long one costs one copy of its first two kilobytes. */
struct frame *tap_read(struct tap *tap, struct stack *st, int *err)
{
	struct virtio_net_hdr vnet = { 0 };
	struct iovec iov[3];
	struct frame *f;
	size_t room;
	ssize_t n;

	if (!tap->small)
		tap->small = stack_frame_alloc(st, FRAME_SMALL_BYTES - FRAME_HEADROOM);
	if (!tap->large)
		tap->large = stack_frame_alloc(st, FRAME_MAX);
	if (!tap->small || !tap->large) {
		*err = -ENOBUFS;
		return NULL;
	}
	room = frame_tailroom(tap->small);
	iov[0] = (struct iovec){ &vnet, tap->has_vnet_hdr ? sizeof(vnet) : 0 };
	iov[1] = (struct iovec){ tap->small->data, room };
	iov[2] = (struct iovec){ tap->large->data + room, FRAME_MAX - room };
	n = readv(tap->fd, iov, 3);
	if (n < 0) {
		*err = -errno;
		return NULL;
	}
	n -= (ssize_t)iov[0].iov_len;
	if (n < 0) {
		*err = -EIO;
		return NULL;
	}
	if ((size_t)n <= room) {
		f = tap->small;
		tap->small = NULL;
	} else {
		f = tap->large;
		tap->large = NULL;
		memcpy(f->data, tap->small->data, room);
	}
	frame_put(f, (size_t)n);
	f->ifindex = tap->ifindex;
	offload_from_vnet(&f->off, &vnet);
	return f;
}

int tap_write(struct tap *tap, const struct frame_out *out)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[1 + FRAME_OUT_IOV_MAX];
	int first = tap->has_vnet_hdr ? 0 : 1;

	if (tap->has_vnet_hdr) {
		vnet_from_offload(&vnet, &out->off);
		iov[0] = (struct iovec){ &vnet, sizeof(vnet) };
	}
	memcpy(iov + 1, out->iov, (size_t)out->iovcnt * sizeof(iov[0]));
	if (writev(tap->fd, iov + first, out->iovcnt + 1 - first) < 0) {
		tap->tx_errors++;
		return -errno;
	}
	return 0;
}
