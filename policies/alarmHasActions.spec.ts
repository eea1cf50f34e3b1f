import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { alarmHasActions } from "./alarmHasActions";
import { judge, unknownString, type Declared } from "./testing/engine";

const alarm = (props: object, is: Declared["is"] = aws.cloudwatch.MetricAlarm): Declared => ({ is, name: "failed", props });
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(alarmHasActions, stack)).violations;

describe("policy alarm-has-actions", () => {
    it("accepts an alarm that tells somebody, also one whose topic is made in the same run", async () => {
        expect(
            await violations(
                alarm({ alarmActions: ["arn:aws:sns:eu-west-1:111111111111:people"] }),
                alarm({ alarmActions: [unknownString], actionsEnabled: true }),
            ),
        ).to.be.empty;
    });

    it("refuses alarms that tell nobody, of both kinds", async () => {
        for (const props of [
            {},
            { alarmActions: [] },
            { alarmActions: [unknownString], actionsEnabled: false },
            { alarmActions: [unknownString], actionsEnabled: unknownString },
            { okActions: [unknownString] },
        ]) {
            expect(await violations(alarm(props)), JSON.stringify(props)).to.have.length(1);
            expect(await violations(alarm(props, aws.cloudwatch.CompositeAlarm))).to.have.length(1);
        }
        expect((await violations(alarm({}))).join()).to.include("set alarmActions");
    });
});
