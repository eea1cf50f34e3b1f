import { expect } from "chai";
import { environmentBytes } from "../../infra/callback";

describe("the environment of a function", () => {
    it("passes up to Lambda's limit, to the byte", () => {
        const variables = { A: "x".repeat(4000), B: "y".repeat(94) };
        expect(environmentBytes("clean-room-x", variables)).to.equal(4096);
        expect(() => environmentBytes("clean-room-x", { ...variables, C: "" })).to.throw(/clean-room-x has 4097 bytes .* A \(4001\)/);
    });
    it("counts bytes, not characters", () => {
        expect(() => environmentBytes("f", { A: "é".repeat(2048) })).to.throw(/4097 bytes/);
    });
});
