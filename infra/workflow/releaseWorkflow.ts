/** The state machine behind `npm run release`. */
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config";
import { releaseStateMachineName } from "../names";
import { releaseWorkflowDefinition } from "./releaseDefinition";
import { StateMachine } from "./stateMachine";

export interface ReleaseWorkflowArgs {
    settings: Settings;
    partition: string;
    /** The function `releaseInstance`. */
    releaseFunction: aws.lambda.Function;
    evidenceBucket: aws.s3.Bucket;
    evidenceKeyArn: pulumi.Input<string>;
}

export class ReleaseWorkflow extends pulumi.ComponentResource {
    readonly stateMachine: aws.sfn.StateMachine;

    constructor(
        name: string,
        { settings, partition, releaseFunction, evidenceBucket, evidenceKeyArn }: ReleaseWorkflowArgs,
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
                definition: pulumi
                    .all([releaseFunction.arn, evidenceBucket.bucket])
                    .apply(([functionArn, bucket]) => releaseWorkflowDefinition({ partition, functionArn, evidenceBucket: bucket })),
            },
            { parent: this },
        ).stateMachine;
        this.registerOutputs({ stateMachineArn: this.stateMachine.arn });
    }
}
