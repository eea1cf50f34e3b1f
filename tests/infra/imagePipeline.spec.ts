import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { z } from "zod";
import { parseSettings } from "../../infra/config";
import { componentDocument, contentVersion } from "../../infra/imagePipeline";

const repository = path.resolve(__dirname, "../..");
const yaml = require("js-yaml") as { load(text: string): unknown };

/**
 * The schema of a component document as AWS documents it (Image Builder user guide, "Use the AWSTOE component document framework"
 * and "Action modules supported by AWSTOE component manager"), as far as this document uses it: a key that stands here by mistake is refused.
 */
const bashStep = z.strictObject({
    name: z.string().min(1),
    action: z.literal("ExecuteBash"),
    onFailure: z.enum(["Abort", "Continue", "Ignore"]).optional(),
    timeoutSeconds: z.union([z.literal(-1), z.int().min(1)]).optional(),
    maxAttempts: z.int().min(1).optional(),
    inputs: z.strictObject({ commands: z.array(z.string().min(1)).min(1) }),
});
const unique = (names: { name: string }[]) => new Set(names.map(({ name }) => name)).size === names.length;
const documentSchema = z.strictObject({
    name: z.string().optional(),
    description: z.string().optional(),
    schemaVersion: z.literal("1.0"),
    phases: z
        .array(
            z.strictObject({
                name: z.enum(["build", "validate", "test", "container-host-test"]),
                steps: z.array(bashStep).min(1).refine(unique),
            }),
        )
        .min(1)
        .refine(unique),
});

/** What a phase runs: Image Builder writes the commands of a step into one file and runs it with bash. */
function scriptOf(phase: string, pythonVersion = "3.12"): string {
    const { phases } = documentSchema.parse(yaml.load(componentDocument(pythonVersion)));
    return phases
        .find(({ name }) => name === phase)!
        .steps.flatMap(({ inputs }) => inputs.commands)
        .join("\n");
}

describe("the document of the forensic image's component", () => {
    for (const version of ["3.12", "3.13", "3.14"]) {
        it(`keeps to the schema of Image Builder with Python ${version}`, () => {
            const text = componentDocument(version);
            expect(documentSchema.parse(yaml.load(text)).phases.map(({ name }) => name)).to.deep.equal(["build", "validate"]);
            // What the API takes as a component's data; and nothing in it may be taken for a reference to another step.
            expect(text.length).to.be.at.most(16_000);
            expect(text).to.not.include("{{");
        });
    }

    it("is bash in every step", () => {
        for (const phase of ["build", "validate"]) execFileSync("bash", ["-n"], { input: scriptOf(phase) });
    });
});

describe("the commands of the forensic image", () => {
    let bin: string;
    const calls = () => readFileSync(path.join(bin, "calls"), "utf8").trim().split("\n");
    /** Puts a program on the path that notes how it was called. */
    const program = (name: string, code = 0) => {
        writeFileSync(path.join(bin, name), `#!/bin/sh\necho "${name} $*" >> "${bin}/calls"\nexit ${code}\n`);
        chmodSync(path.join(bin, name), 0o755);
    };
    /** Runs a phase where no other program is on the path. */
    const run = (phase: string) => spawnSync("/bin/bash", [], { input: scriptOf(phase), env: { PATH: bin }, encoding: "utf8" }).status;
    const tools = ["aws", "blockdev", "losetup", "mount", "sha256sum", "tar", "umount", "xfs_repair", "e2fsck", "tune2fs"];

    beforeEach(() => {
        bin = mkdtempSync(path.join(tmpdir(), "forensic-image-"));
        for (const name of ["dnf", "python3.12", "systemctl", ...tools]) program(name);
    });
    afterEach(() => rmSync(bin, { recursive: true, force: true }));

    it("install the configured Python and remove what assembles volumes", () => {
        expect(run("build")).to.equal(0);
        expect(calls()).to.deep.equal(["dnf install -y python3.12 xfsprogs e2fsprogs", "dnf remove -y mdadm lvm2", "dnf clean all"]);
    });

    it("fail when a package cannot be installed", () => {
        program("dnf", 1);
        expect(run("build")).to.equal(1);
        expect(calls()).to.have.length(1);
    });

    it("accept an image that has everything", () => expect(run("validate")).to.equal(0));

    for (const name of ["python3.12", ...tools, "systemctl"]) {
        it(`refuse an image without ${name}`, () => {
            rmSync(path.join(bin, name));
            expect(run("validate")).to.not.equal(0);
        });
    }

    for (const name of ["python3.12", "systemctl"]) {
        it(`refuse an image where ${name} says no`, () => {
            program(name, 1);
            expect(run("validate")).to.equal(1);
        });
    }

    for (const name of ["mdadm", "vgchange"]) {
        it(`refuse an image with ${name}, which would assemble evidence volumes and write to them`, () => {
            program(name);
            expect(run("validate")).to.equal(1);
        });
    }

    it("look for every program that the analysis calls", () => {
        const folder = path.join(repository, "analysis/clean_room_analysis");
        const sources = readdirSync(folder)
            .filter((name) => name.endsWith(".py"))
            .map((name) => readFileSync(path.join(folder, name), "utf8"));
        const called = sources.flatMap((source) =>
            [...source.matchAll(/(?:subprocess\.run\(\[|\b_run\()"([\w.]+)"/g)].map(([, name]) => name!),
        );
        expect(called).to.include.members(["mount", "losetup"]);
        expect(tools).to.include.members(called);
    });
});

describe("contentVersion", () => {
    it("follows from the content, and is a version that Image Builder takes", () => {
        fc.assert(
            fc.property(fc.jsonValue(), (content) => {
                const version = contentVersion(content);
                expect(version)
                    .to.match(/^\d+\.\d+\.\d+$/)
                    .and.equal(contentVersion(content));
                for (const number of version.split(".")) expect(Number(number)).to.be.at.most(2 ** 30 - 1);
            }),
        );
        expect(contentVersion(componentDocument("3.12"))).to.not.equal(contentVersion(componentDocument("3.13")));
    });
});

describe("the schedule of the image pipeline", () => {
    const schedule = (text: string) =>
        parseSettings({
            forensics: { accountId: "111111111111" },
            regions: ["eu-west-1"],
            members: [{ accountId: "222222222222" }],
            imagePipeline: { schedule: text },
        }).imagePipeline.schedule;
    // Image Builder's own examples.
    for (const text of [
        "cron(0 10 * * ? *)",
        "cron(0 10 ? * 1-5 *)",
        "cron(0 18 ? * mon-fri *)",
        "cron(0 8 1 * ? *)",
        "cron(30 22 ? * tue#2 *)",
    ]) {
        it(`takes ${text}`, () => expect(schedule(text)).to.equal(text));
    }
    for (const text of [
        "rate(7 days)",
        "0 3 ? * sun *",
        "cron(0 3 * * sun)",
        "cron(0 3 * * sun *)",
        "cron(0 3 ? * ? *)",
        "cron(0 3 ? * sun *) ",
    ]) {
        it(`refuses ${JSON.stringify(text)}`, () => expect(() => schedule(text)).to.throw(/imagePipeline\.schedule = .*six fields/));
    }
});
