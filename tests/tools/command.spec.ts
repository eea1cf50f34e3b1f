import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { helpOf, readArguments, runCommand, UsageError, type CommandSpec } from "../../tools/command";
import { exitCode, render, unreachable } from "../../tools/preflight/render";

const options = {
    stack: { type: "string", description: "the stack", required: true },
    region: { type: "string", description: "a Region", multiple: true },
    json: { type: "boolean", description: "as JSON" },
    watch: { type: "boolean", description: "do not wait", default: true },
} as const;
const spec: CommandSpec<typeof options> = {
    name: "thing",
    summary: "Does a thing.",
    arguments: "--stack NAME",
    options,
    examples: ["npm run thing -- --stack dev"],
    exitCodes: { 0: "done", 2: "wrong usage" },
    rights: { "the table": ["dynamodb:Scan"] },
    run: ({ stack }) => {
        if (stack === "refused") throw Object.assign(new Error("no"), { name: "AccessDeniedException", $metadata: {} });
        if (stack === "broken") throw new Error("Account 111111111111 cannot be asked in eu-west-1.");
        return 1;
    },
};

/** What a run prints, and its exit code. */
async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const [log, error] = [console.log, console.error];
    const said = { out: "", err: "" };
    console.log = (text: string) => (said.out += `${text}\n`);
    console.error = (text: string) => (said.err += `${text}\n`);
    try {
        return { code: await runCommand(spec, argv), ...said };
    } finally {
        [console.log, console.error] = [log, error];
    }
}

describe("a command", () => {
    it("reads what it was given, and what was left out", () => {
        const { values } = readArguments(spec, ["--stack", "dev", "--region", "eu-west-1", "--region", "us-east-1", "--no-watch"]);
        expect(values).to.deep.include({ stack: "dev", region: ["eu-west-1", "us-east-1"], json: false, watch: false });
        expect(readArguments(spec, ["--stack=dev"]).values).to.deep.include({ region: [], watch: true });
    });

    for (const [what, argv, words] of [
        ["a needed option that is missing", [], /--stack is missing/],
        ["an option that there is not", ["--stack", "dev", "--stak"], /--stak/],
        ["an argument too many", ["--stack", "dev", "more"], /"more" is not understood/],
    ] as const)
        it(`refuses ${what}, says how to use it, and ends with 2`, async () => {
            expect(() => readArguments(spec, argv)).to.throw(UsageError, words);
            const { code, err } = await run(...argv);
            expect(code).to.equal(2);
            expect(err)
                .to.match(/^thing: /)
                .and.match(/Usage: npm run thing -- --stack NAME/);
        });

    it("shows options, examples and exit codes, and does nothing else", async () => {
        const { code, out } = await run("--stack", "broken", "--help");
        expect(code).to.equal(0);
        expect(out).to.equal(`${helpOf(spec)}\n`);
        for (const part of ["--stack TEXT", "(needed)", "--no-watch", "npm run thing -- --stack dev", "  2  wrong usage"])
            expect(out).to.include(part);
    });

    it("ends with what it returned, or with 2 and what happened", async () => {
        expect((await run("--stack", "dev")).code).to.equal(1);
        const { code, err } = await run("--stack", "broken");
        expect(code).to.equal(2);
        expect(err).to.equal("thing: Account 111111111111 cannot be asked in eu-west-1.\n");
    });

    it("says where AWS was asked, or that nobody is signed in, and which rights are needed", async () => {
        const given = { ...process.env };
        const server = createServer((_, response) =>
            response
                .writeHead(200, { "content-type": "text/xml" })
                .end(
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::222222222222:user/anna</Arn><Account>222222222222</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
                ),
        ).listen(0, "127.0.0.1");
        await once(server, "listening");
        try {
            const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
            Object.assign(process.env, { AWS_ENDPOINT_URL, AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" });
            const { code, err } = await run("--stack", "refused");
            expect(code).to.equal(2);
            expect(err.split("\n")).to.deep.equal([
                "thing: AccessDeniedException: no",
                "Asked in account 222222222222, eu-west-1, as arn:aws:iam::222222222222:user/anna. It must be the forensics account, and the Region must have a clean room.",
                "It needs these rights:",
                "  dynamodb:Scan: the table",
                "",
            ]);
            process.env.AWS_ENDPOINT_URL = "http://127.0.0.1:9";
            expect((await run("--stack", "refused")).err).to.include("The account is not known: AWS takes no credentials of this shell");
        } finally {
            process.env = given;
            server.closeAllConnections();
            server.close();
        }
    });
});

describe("npm run preflight", () => {
    const ok = { id: "slack", lookedAt: "the Slack webhook", state: "ok", said: "answers", toDo: null } as const;
    const broken = { id: "key", lookedAt: "the evidence key", state: "broken", said: "is Disabled", toDo: "Enable it." } as const;

    it("has a line a check, the broken ones first, and a sum", () => {
        const lines = render([{ region: "eu-west-1", checks: [ok, broken] }]).split("\n");
        expect(lines[0]).to.match(/^eu-west-1 +broken +the evidence key: is Disabled -> Enable it\.$/);
        expect(lines[1]).to.match(/^eu-west-1 +ok +the Slack webhook: answers$/);
        expect(lines.at(-1)).to.equal("Looked at 2 things in 1 Region: 1 ok, 1 broken, 0 not looked at.");
    });

    it("ends with 1 where something is broken, where nothing was looked at, and where nobody could look", () => {
        expect(exitCode([{ region: "eu-west-1", checks: [ok] }])).to.equal(0);
        expect(exitCode([{ region: "eu-west-1", checks: [ok, { ...broken, state: "not looked at" }] }])).to.equal(0);
        for (const regions of [[], [{ region: "eu-west-1", checks: [] }], [{ region: "eu-west-1", checks: [ok, broken] }]])
            expect(exitCode(regions)).to.equal(1);
        const nobody = unreachable("eu-west-1", "clean-room-checkReadiness", "111111111111", "ResourceNotFoundException: not there");
        expect(exitCode([nobody])).to.equal(1);
        expect(render([nobody])).to.include("cannot be called: ResourceNotFoundException: not there -> Deploy the stack");
    });

    it("makes names visible that would deceive a terminal", () => {
        expect(render([{ region: "eu-west-1", checks: [{ ...ok, said: "fine\u001b[2K\u202e" }] }])).to.not.match(/[\u001b\u202e]/);
    });
});
