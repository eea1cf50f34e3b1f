import { LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { STSClient } from "@aws-sdk/client-sts";
import { expect } from "chai";
import { writePin } from "../../../functions/aws/snapshotPins";
import { openCases } from "../../../functions/aws/pinsTable";
import { runCommand } from "../../../tools/command";
import { close } from "../../../tools/close";
import { awsError } from "../../support/aws/errors";
import { underClient } from "../../support/aws/underClients";
import { incident, InMemoryAws } from "../../functions/inMemoryAws";

const { incidentId } = incident;

describe("npm run close", () => {
    let aws: InMemoryAws;
    let execution: string | null;
    let invoked: string[];
    const restore: (() => void)[] = [];

    beforeEach(async () => {
        aws = new InMemoryAws();
        aws.install();
        execution = "SUCCEEDED";
        invoked = [];
        restore.push(
            underClient(STSClient, () =>
                Promise.resolve({ Account: "111111111111", Arn: "arn:aws:sts::111111111111:assumed-role/analyst/jo" }),
            ),
            underClient(SFNClient, (_, __, { executionArn }) =>
                execution !== null && String(executionArn).endsWith(`:${incidentId}`)
                    ? Promise.resolve({ status: execution })
                    : Promise.reject(awsError("ExecutionDoesNotExist")),
            ),
            underClient(LambdaClient, (_, __, { FunctionName }) => {
                invoked.push(String(FunctionName));
                return Promise.resolve({
                    Payload: Buffer.from(JSON.stringify({ removed: [], seal: 2, objects: 3, entries: 4, fingerprint: "SHA256:0" })),
                });
            }),
        );
        await writePin(incident, {
            volumeId: "vol-0aaaaaaaaaaaaaaaa",
            stage: "evidence",
            generation: 1,
            snapshotId: "snap-0eeeeeeeeeeeeeeee",
            madeAt: "2026-11-24T10:00:00.000Z",
        });
    });
    afterEach(() => {
        for (const undo of restore.splice(0)) undo();
        aws.remove();
    });

    /** Runs it. @returns its exit code and what it said of what went wrong */
    async function run(...argv: string[]): Promise<{ code: number; err: string }> {
        const print = console.error;
        let err = "";
        console.error = (text: string) => void (err += `${text}\n`);
        try {
            return { code: await runCommand(close, argv), err };
        } finally {
            console.error = print;
        }
    }

    it("tears down, enters the end in the log, has it sealed, and ends the daily look", async () => {
        expect(await openCases()).to.have.length(1);
        expect(await run(incidentId, "--why", "ticket 4711")).to.deep.equal({ code: 0, err: "" });
        expect(invoked).to.deep.equal(["clean-room-tearDown", "clean-room-sealCustody"]);
        const log = [...aws.objects].filter(([key]) => key.includes("/custody/log/")).map(([, body]) => body);
        expect(log.join("")).to.include("custody:CloseCase").and.include("ticket 4711").and.include("assumed-role/analyst/jo");
        expect(await openCases()).to.deep.equal([]);
    });

    it("writes nothing for a name that no case has", async () => {
        const before = [...aws.objects.keys()];
        const { code, err } = await run("i-0fedcba9876543210-0000000000000000");
        expect([code, invoked]).to.deep.equal([2, []]);
        expect(err).to.include("There is no case");
        expect([...aws.objects.keys()]).to.deep.equal(before);
        expect(await openCases()).to.have.length(1);
    });

    it("does not end an analysis that runs, unless that is wanted", async () => {
        execution = "RUNNING";
        const { code, err } = await run(incidentId);
        expect([code, invoked]).to.deep.equal([2, []]);
        expect(err).to.include("would end its analysis").and.include("--force");
        expect((await run(incidentId, "--force")).code).to.equal(0);
    });

    it("closes a case whose execution Step Functions has forgotten", async () => {
        execution = null;
        expect((await run(incidentId)).code).to.equal(0);
    });
});
