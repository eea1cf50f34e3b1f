import { expect } from "chai";
import fc from "fast-check";
import { planSubnets } from "../../infra/planSubnets";

const range = (cidr: string) => {
    const [address, width] = cidr.split("/") as [string, string];
    const start = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
    return { start, end: start + 2 ** (32 - Number(width)) };
};

describe("planSubnets", () => {
    it("halves a /24", () => expect(planSubnets("10.66.0.0/24", 2)).to.deep.equal(["10.66.0.0/25", "10.66.0.128/25"]));
    it("refuses subnets smaller than AWS allows", () => expect(() => planSubnets("10.0.0.0/28", 2)).to.throw(/\/28 at the smallest/));
    it("refuses host bits", () => expect(() => planSubnets("10.66.0.1/24", 2)).to.throw(/host bits/));

    it("gives disjoint subnets inside the block", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 0, max: 255 }),
                fc.integer({ min: 16, max: 24 }),
                fc.integer({ min: 1, max: 16 }),
                (octet, width, count) => {
                    const block = `10.${octet}.0.0/${width}`;
                    const outer = range(block);
                    const subnets = planSubnets(block, count).map(range);
                    expect(subnets).to.have.length(count);
                    subnets.forEach((subnet, index) => {
                        expect(subnet.start).to.be.at.least(index === 0 ? outer.start : subnets[index - 1]!.end);
                        expect(subnet.end).to.be.at.most(outer.end);
                    });
                },
            ),
        );
    });
});
