import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { parse } from "yaml";

interface Job {
    environment?: string;
    permissions?: Record<string, string>;
    env?: Record<string, string>;
    steps: { uses?: string; run?: string; with?: Record<string, unknown>; env?: Record<string, string> }[];
}
const ci = parse(readFileSync(path.resolve(__dirname, "../.github/workflows/ci.yml"), "utf8")) as {
    on: object;
    permissions: Record<string, string>;
    jobs: Record<string, Job>;
};

describe(".github/workflows/ci.yml", () => {
    const withRights = Object.entries(ci.jobs).filter(
        ([, job]) => job.permissions?.["id-token"] === "write" || /secrets\.|aws-actions/.test(JSON.stringify(job)),
    );

    it("gives an identity or a secret only to jobs that reviewers of the environment preview let begin", () => {
        expect(withRights.map(([name]) => name)).to.deep.equal(["estate"]);
        for (const [name, job] of withRights) expect(job.environment, name).to.equal("preview");
        expect(ci.permissions).to.deep.equal({ contents: "read" });
        expect(ci.on).to.not.have.property("pull_request_target");
    });

    it("previews with roles that may only read, and never updates", () => {
        for (const [name, job] of withRights) {
            expect(job.env, name).to.have.property("CLEAN_ROOM_PREVIEW_ROLE_NAME");
            for (const step of job.steps) {
                expect(step.run ?? "").to.not.match(/pulumi (up|destroy|refresh|import|state)/);
                if (step.uses?.startsWith("pulumi/actions")) expect(step.with?.command ?? "preview").to.equal("preview");
            }
        }
    });
});
