import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { policies } from "../../policies/pack";

const read = (file: string): string => readFileSync(path.resolve(__dirname, "../..", file), "utf8");

describe("docs/policies.md", () => {
    const sections = new Map(
        [...read("docs/policies.md").matchAll(/^### ([a-z-]+)\n([\s\S]*?)(?=^#)/gm)].map(([, name, text]) => [name, text]),
    );

    it("has a heading for each policy of the pack, and for no other", () => {
        expect([...sections.keys()]).to.have.members(policies.map((policy) => policy.name));
    });

    it("is where each policy's address leads, and says what can be configured", () => {
        for (const { name, url, severity, configSchema } of policies) {
            expect(url).to.equal(`docs/policies.md#${name}`);
            expect(severity, name).to.be.oneOf(["low", "medium", "high", "critical"]);
            for (const property of Object.keys(configSchema?.properties ?? {})) {
                expect(sections.get(name), `${name} takes ${property}`).to.include(`\`${property}\``);
            }
        }
    });

    it("shows an example that the policies take", () => {
        const example = JSON.parse(read("policies/examples/config.json")) as Record<string, object | string>;
        for (const [name, config] of Object.entries(example)) {
            const policy = policies.find((each) => each.name === name);
            const known = ["enforcementLevel", ...Object.keys(policy?.configSchema?.properties ?? {})];
            expect(policy, name).to.not.equal(undefined);
            if (typeof config === "object") expect(known, name).to.include.members(Object.keys(config));
        }
    });
});
