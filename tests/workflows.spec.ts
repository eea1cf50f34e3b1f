import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { parse } from "yaml";

interface Job {
    environment?: string;
    permissions?: Record<string, string>;
    env?: Record<string, string>;
    strategy?: { "max-parallel"?: number; "fail-fast"?: boolean; matrix: { stack: string[] } };
    if?: string;
    steps: { id?: string; if?: string; uses?: string; run?: string; with?: Record<string, unknown>; env?: Record<string, string> }[];
}
interface Workflow {
    on: Record<string, unknown>;
    permissions: Record<string, string>;
    jobs: Record<string, Job>;
}
const read = (name: string) => parse(readFileSync(path.resolve(__dirname, "../.github/workflows", name), "utf8")) as Workflow;
const ci = read("ci.yml");

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

describe(".github/workflows/deploy.yml", () => {
    const workflow = read("deploy.yml");
    const { deploy } = workflow.jobs;
    const [gate, ...rest] = deploy!.steps;

    it("has one environment and one role a stack, and no right outside of it", () => {
        expect(Object.keys(workflow.jobs)).to.deep.equal(["deploy"]);
        expect(deploy!.environment).to.equal("deploy-${{ matrix.stack }}");
        expect(deploy!.env!.AWS_DEPLOY_ROLE_ARN).to.equal("${{ vars.AWS_DEPLOY_ROLE_ARN }}");
        expect(workflow.permissions).to.deep.equal({ contents: "read" });
        expect(deploy!.permissions).to.deep.equal({ contents: "read", "id-token": "write" });
    });

    it("deploys dev before prod, and prod not at all where dev failed", () =>
        expect(deploy!.strategy).to.deep.include({ "max-parallel": 1, "fail-fast": true, matrix: { stack: ["dev", "prod"] } }));

    it("leaves a stack without a role out, and does not fail of it", () => {
        expect(gate!.id).to.equal("gate");
        expect(gate!.run)
            .to.match(/-z "\$AWS_DEPLOY_ROLE_ARN" \]; then\s+echo "::notice::/)
            .and.not.include("exit 1");
        for (const step of rest) expect(step.if, step.uses ?? step.run).to.equal("steps.gate.outputs.open");
    });

    it("deploys what was pushed here and passed the tests, with the policy pack, and looks whether it works", () => {
        expect(workflow.on.workflow_run).to.deep.equal({ workflows: ["ci"], types: ["completed"], branches: ["main"] });
        expect(deploy!.if).to.include("workflow_run.conclusion == 'success'").and.include("workflow_run.event == 'push'");
        expect(rest.find(({ uses }) => uses?.startsWith("actions/checkout"))!.with!.ref).to.include("workflow_run.head_sha");
        const update = rest.find((step) => step.with?.command === "up")!;
        expect(update.with!.policyPacks).to.equal("policies");
        expect(rest.at(-1)!.run).to.match(/npm run preflight/);
    });

    it("installs what others wrote before it has an identity", () => {
        const at = (words: string) => rest.findIndex((step) => JSON.stringify(step).includes(words));
        expect(at("npm ci")).to.be.lessThan(at("configure-aws-credentials"));
    });
});
