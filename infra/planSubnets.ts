/** Subnets of the clean room, each in a zone of its own where the Region has as many that fit; an interface endpoint stands in each. */
export const cleanRoomSubnets = 2;

/**
 * Cuts an IPv4 range into equal subnets, each the largest power of two that fits.
 *
 * @param cidrBlock such as `10.66.0.0/24`; host bits must be zero
 * @param count how many, 1 to 16
 * @returns ranges in order: disjoint, inside the block
 * @throws when the subnets would be smaller than /28, the smallest AWS allows
 */
export function planSubnets(cidrBlock: string, count: number): string[] {
    const [address = "", width = ""] = cidrBlock.split("/");
    const bits = Math.ceil(Math.log2(count));
    const prefix = Number(width) + bits;
    if (prefix > 28)
        throw new Error(
            `${cidrBlock} is too small for ${count} subnets: each would be a /${prefix}, and AWS allows /28 at the smallest. Choose a wider range.`,
        );
    const base = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const size = 2 ** (32 - prefix);
    if (base % (size * 2 ** bits) !== 0) throw new Error(`${cidrBlock} has host bits set; the range must start at its network address.`);
    return Array.from({ length: count }, (_, index) => {
        const start = base + index * size;
        return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join(".")}/${prefix}`;
    });
}
