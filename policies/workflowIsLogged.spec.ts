import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { workflowIsLogged } from "./workflowIsLogged";
import { judge, typed, unknownString, type Declared } from "./testing/engine";

const machine = (loggingConfiguration?: unknown): Declared => ({
    is: aws.sfn.StateMachine,
    name: "incident",
    props: { loggingConfiguration },
});
const vpc: Declared = { is: aws.ec2.Vpc, name: "clean-room", props: { tags: { "clean-room:role": "clean-room" } } };
const flows: Declared = { is: aws.ec2.FlowLog, name: "flows", props: {}, refs: { vpcId: ["clean-room"] } };
const member = { accountId: "222222222222", regions: ["eu-west-1"], mode: "standalone" };
const estate: Declared = {
    is: typed("ec2-clean-room:index:Accounts"),
    name: "accounts",
    props: { estate: { forensicsAccountId: "111111111111", regions: ["eu-west-1"], members: [member] } },
};
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(workflowIsLogged, stack)).violations;

describe("policy workflow-is-logged", () => {
    it("accepts a state machine that logs, and a clean room with flow logs", async () => {
        expect(await violations(machine({ level: "ALL", logDestination: unknownString }), estate, vpc, flows)).to.be.empty;
    });

    it("refuses a state machine that logs nothing, or nowhere", async () => {
        for (const logging of [undefined, {}, { level: "OFF", logDestination: unknownString }, { level: "ALL" }, unknownString]) {
            expect(await violations(machine(logging)), JSON.stringify(logging)).to.have.length(1);
        }
    });

    it("refuses a clean room of the program without flow logs, and leaves others' parts alone", async () => {
        expect(await violations(estate, vpc)).to.have.length(1);
        expect(await violations(vpc)).to.be.empty;
    });
});
