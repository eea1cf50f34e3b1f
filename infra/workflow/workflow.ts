/** The state machine of incidents: one execution an incident. */
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config";
import { stateMachineName } from "../names";
import { workflowDefinition } from "./definition";
import { StateMachine } from "./stateMachine";
import { stepHandlers, type StepName } from "./tasks";

export interface WorkflowArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** The stack's functions by their handler's file name. */
    readonly functions: Record<string, aws.lambda.Function>;
    /** Bucket that error objects are written to. */
    readonly evidenceBucket: aws.s3.Bucket;
    /** Key that evidence is encrypted under. */
    readonly evidenceKeyArn: pulumi.Input<string>;
    /** Key that the log is encrypted under. */
    readonly messageKeyArn: pulumi.Input<string>;
}

export class Workflow extends pulumi.ComponentResource {
    readonly stateMachine: aws.sfn.StateMachine;

    constructor(name: string, args: WorkflowArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:Workflow", name, {}, opts);
        const arns = pulumi.all(
            Object.fromEntries(
                Object.entries(stepHandlers).flatMap(([state, handler]) =>
                    args.functions[handler] === undefined ? [] : [[state, args.functions[handler].arn]],
                ),
            ),
        ) as unknown as pulumi.Output<Record<StepName, string>>;
        this.stateMachine = new StateMachine(
            name,
            {
                settings: args.settings,
                stateMachineName,
                description: "The incident workflow: call its steps, write error objects",
                functionArns: arns.apply((each) => Object.values(each)),
                evidenceBucket: args.evidenceBucket,
                evidenceKeyArn: args.evidenceKeyArn,
                messageKeyArn: args.messageKeyArn,
                definition: pulumi.all([arns, args.evidenceBucket.bucket]).apply(([functionArns, evidenceBucket]) =>
                    workflowDefinition({
                        partition: args.partition,
                        functionArns,
                        evidenceBucket,
                        approvalTimeoutSeconds: args.settings.containment.approvalTimeoutMinutes * 60,
                        takesMemory: args.settings.memory.mode !== "off",
                        endpointsOnDemand: args.settings.network.endpoints === "on-demand",
                        onApprovalTimeout: args.settings.containment.onApprovalTimeout,
                    }),
                ),
            },
            { parent: this },
        ).stateMachine;
        this.registerOutputs({ stateMachineArn: this.stateMachine.arn });
    }
}
