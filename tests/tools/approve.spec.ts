import { PassThrough } from "node:stream";
import { expect } from "chai";
import { newRecord, type IncidentRecord } from "../../functions/domain/incidentRecord";
import { approvalLines } from "../../tools/approvalLines";
import { approve, confirmed, deny } from "../../tools/approve";
import { runCommand, UsageError } from "../../tools/command";
import { incident, thrown } from "../functions/inMemoryAws";

const at = "2026-11-24T10:00:00.000Z";
const until = "2026-11-24T10:30:00.000Z";
const nasty = "a rule\u202e\nhttps://evil.example";
const changes = ["isolate interface – eni-1 from sg-1", "deny credentials – role web"];
const asked = (onTimeout: "contain" | "observe" = "contain", more = changes): IncidentRecord => ({
    ...newRecord(incident, 1, "approval", at),
    startedAt: at,
    approval: { taskToken: "t", expiresAt: until, answer: null, asked: { at, why: nasty, changes: more, onTimeout } },
});

describe("what approve and deny show before they act", () => {
    it("is instance, findings, who asks, since when, what silence means and what is cut", () => {
        const text = approvalLines([asked()], true).join("\n");
        const { instanceId, accountId, region } = incident.instance;
        for (const shown of [
            `${instanceId} in ${accountId}/${region}`,
            incident.incidentId,
            incident.finding.type,
            String(incident.finding.severity),
            incident.finding.title,
            `asked since  ${at}`,
            "asked by     a rule",
            `it is contained, at ${until}`,
            "will be cut  isolate interface – eni-1 from sg-1",
            "deny credentials – role web",
        ])
            expect(text).to.include(shown);
        expect(text).to.not.include("\u202e");
        expect(approvalLines([asked("observe")], false).join("\n"))
            .to.include("it is left as it is")
            .and.include("is not cut");
    });

    it("counts what is too much for a terminal", () => {
        const many = Array.from({ length: 40 }, (_, index) => `step ${index}`);
        expect(approvalLines([asked("contain", many)], true).join("\n"))
            .to.include("step 11")
            .and.include("and 28 more");
    });

    it("says of what the brake holds, and of a record of before, what is not known", () => {
        const held: IncidentRecord = { ...newRecord(incident, 1, "automatic", at), heldSince: at };
        expect(approvalLines([held], true).join("\n"))
            .to.include(`held since   ${at}`)
            .and.include("not planned yet");
        const { asked: _, ...approval } = asked().approval!;
        expect(approvalLines([{ ...asked(), approval }], true).join("\n"))
            .to.include("asked since  not on record")
            .and.include("as your stack says");
    });
});

describe("whether an answer is meant", () => {
    const terminal = (isTTY: boolean) => {
        const input = Object.assign(new PassThrough(), { isTTY });
        return { input, output: new PassThrough() };
    };

    it("is yes where that is typed, and no where anything else is, or nothing", async () => {
        for (const [typed, meant] of [
            ["yes\n", true],
            ["YES\n", true],
            ["y\n", false],
            ["\n", false],
            [null, false],
        ] as const) {
            const at = terminal(true);
            const answer = confirmed("Contain this instance now?", at);
            if (typed === null) at.input.end();
            else at.input.write(typed);
            expect(await answer, String(typed)).to.equal(meant);
            expect(String(at.output.read())).to.include("Contain this instance now? Type yes: ");
        }
    });

    it("is asked of nobody where there is no terminal: that needs --yes, and so does --json", async () => {
        expect(await thrown(confirmed("?", terminal(false)))).to.be.instanceOf(UsageError);
        for (const spec of [approve, deny]) {
            const said: string[] = [];
            const error = console.error;
            console.error = (line: string) => said.push(line);
            try {
                expect(await runCommand(spec, [incident.incidentId, "--json", "--region", "eu-west-1"])).to.equal(2);
            } finally {
                console.error = error;
            }
            expect(said.join("\n")).to.include("--yes");
        }
    });
});
