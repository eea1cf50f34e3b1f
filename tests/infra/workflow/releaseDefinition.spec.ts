import { expect } from "chai";
import { releaseWorkflowDefinition } from "../../../infra/workflow/releaseDefinition";

// asl-validator has no types.

const validate = require("asl-validator") as (definition: unknown) => { isValid: boolean; errorsText: () => string };

const definition = releaseWorkflowDefinition({
    partition: "aws-cn",
    functionArn: "arn:aws-cn:lambda:cn-north-1:111111111111:function:clean-room-releaseInstance",
    evidenceBucket: "evidence",
});
const states = definition.States as Record<
    string,
    {
        Type: string;
        Next?: string;
        TimeoutSeconds?: number;
        Resource?: string;
        Catch?: { ErrorEquals: string[]; Next: string }[];
        Retry?: { ErrorEquals: string[] }[];
    }
>;

describe("releaseWorkflowDefinition", () => {
    it("is valid Amazon States Language", () => {
        const result = validate(definition);
        expect(result.isValid, result.errorsText()).to.equal(true);
    });

    it("tells people of any failure and then ends as failed", () => {
        expect(states.ReleaseInstance!.Catch).to.deep.equal([
            { ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "ReleaseInstanceFailed" },
        ]);
        const way = ["ReleaseInstanceFailed", "TellError", "Failed"];
        expect(way.slice(0, -1).map((name) => states[name]!.Next)).to.deep.equal(way.slice(1));
        expect(states.Failed!.Type).to.equal("Fail");
    });

    it("asks again when AWS was busy, never when the release was refused", () => {
        expect(states.ReleaseInstance!.Retry!.flatMap(({ ErrorEquals }) => ErrorEquals))
            .to.include("Transient")
            .and.not.include("StepFailed")
            .and.not.include("States.ALL");
    });

    it("stays in its partition and bounds every task", () => {
        for (const [name, state] of Object.entries(states).filter(([, { Type }]) => Type === "Task")) {
            expect(state.Resource, name).to.match(/^arn:aws-cn:/);
            expect(state.TimeoutSeconds, name).to.be.a("number");
        }
    });
});
