import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { policies } from "../../policies/pack";

describe("docs/policies.md", () => {
    it("lists each policy of the pack, and no other", () => {
        const text = readFileSync(path.resolve(__dirname, "../../docs/policies.md"), "utf8");
        const listed = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
        expect(listed).to.have.members(policies.map((policy) => policy.name));
    });
});
