/** The state machine behind `npm run release`. */
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config";
import { releaseStateMachineName } from "../names";
import { releaseWorkflowDefinition } from "./releaseDefinition";
import { StateMachine } from "./stateMachine";

export interface ReleaseWorkflowArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** The function `releaseInstance`. */
    readonly releaseFunction: aws.lambda.Function;
    /** Bucket that error objects are written to. */
    readonly evidenceBucket: aws.s3.Bucket;
    /** Key that evidence is encrypted under. */
    readonly evidenceKeyArn: pulumi.Input<string>;
    /** Key that the log is encrypted under. */
    readonly messageKeyArn: pulumi.Input<string>;
}

export class ReleaseWorkflow extends pulumi.ComponentResource {
    readonly stateMachine: aws.sfn.StateMachine;

    constructor(
        name: string,
        { settings, partition, releaseFunction, evidenceBucket, evidenceKeyArn, messageKeyArn }: ReleaseWorkflowArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("ec2-clean-room:index:ReleaseWorkflow", name, {}, opts);
        this.stateMachine = new StateMachine(
            name,
            {
                settings,
                stateMachineName: releaseStateMachineName,
                description: "The release workflow: call the release, write error objects",
                functionArns: [releaseFunction.arn],
                evidenceBucket,
                evidenceKeyArn,
                messageKeyArn,
                definition: pulumi
                    .all([releaseFunction.arn, evidenceBucket.bucket])
                    .apply(([functionArn, bucket]) => releaseWorkflowDefinition({ partition, functionArn, evidenceBucket: bucket })),
            },
            { parent: this },
        ).stateMachine;
        this.registerOutputs({ stateMachineArn: this.stateMachine.arn });
    }
}
