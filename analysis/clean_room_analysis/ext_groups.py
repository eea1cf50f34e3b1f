# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where ext2 to ext4 keep the descriptors of their block groups.

As the kernel's fs/ext4/super.c (descriptor_loc) and balloc.c (ext4_bg_has_super) find them; kernel.org, "ext4 Data Structures and
Algorithms", tells of meta block groups.
"""

import struct
from dataclasses import dataclass

_META_BG = 0x10
_SPARSE_SUPER, _SPARSE_SUPER_2 = 0x1, 0x200


@dataclass(frozen=True, slots=True)
class GroupDescriptors:
    """What the superblock says of the descriptors. `block` bytes of a block, `size` bytes of a descriptor, `wide` whether numbers of
    blocks have 64 bits; `first_block` is the first block of the first group, `per_group` the blocks of each."""

    block: int
    size: int
    wide: bool
    first_block: int
    per_group: int
    #: From this block of descriptors on, each lies in the groups that it describes; None where all lie behind the superblock.
    first_meta: int | None
    sparse: bool
    #: Where only two groups have a copy of the superblock, their numbers; None where the rule of the powers holds.
    backups: tuple[int, int] | None

    def place(self, group: int) -> int:
        """The byte at which the descriptor of a group begins."""
        each = self.block // self.size
        number, index = divmod(group, each)
        # Where blocks make clusters, the first data block is 0 even when the superblock lies in block 1.
        before = 1024 // self.block
        if self.first_meta is None or number < self.first_meta:
            return (before + 1 + number) * self.block + index * self.size
        first = number * each
        behind = int(self.has_superblock(first))
        if first == 0 and self.first_block == 0:
            behind += before
        return (self.first_block + first * self.per_group + behind) * self.block + index * self.size

    def has_superblock(self, group: int) -> bool:
        """Whether a group begins with the superblock, or a copy of it."""
        if group == 0:
            return True
        if self.backups is not None:
            return group in self.backups
        return group == 1 or not self.sparse or any(_power(group, base) for base in (3, 5, 7))


def group_descriptors(head: bytes) -> GroupDescriptors:
    """From the 1,024 bytes of a superblock. @raises ValueError when its sizes make no sense"""
    compatible, incompatible, read_only = struct.unpack_from("<III", head, 92)
    first_block, log_block = struct.unpack_from("<II", head, 20)
    per_group, size = struct.unpack_from("<I", head, 32)[0], struct.unpack_from("<H", head, 254)[0]
    wide = bool(incompatible & 0x80) and size >= 64
    size = size if wide else 32
    if log_block > 6 or per_group == 0 or size > 1024 << log_block or size & (size - 1):
        raise ValueError("the sizes in the superblock make no sense")
    return GroupDescriptors(
        1024 << log_block,
        size,
        wide,
        first_block,
        per_group,
        struct.unpack_from("<I", head, 0x104)[0] if incompatible & _META_BG else None,
        bool(read_only & _SPARSE_SUPER),
        struct.unpack_from("<II", head, 0x24C) if compatible & _SPARSE_SUPER_2 else None,
    )


def _power(number: int, base: int) -> bool:
    value = base
    while value < number:
        value *= base
    return value == number
