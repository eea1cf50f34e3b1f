/** GuardDuty detectors. */
import { CreateDetectorCommand, GuardDutyClient, type FindingPublishingFrequency } from "@aws-sdk/client-guardduty";
import type * as aws from "@pulumi/aws";
import { allTags, clientOf, entry, type DeployTable } from "./resource";

const detector = entry<aws.guardduty.DetectorArgs>(async (inputs, context) => {
    const { DetectorId } = await clientOf(context, GuardDutyClient).send(new CreateDetectorCommand({
        Enable: inputs.enable ?? true, FindingPublishingFrequency: inputs.findingPublishingFrequency as FindingPublishingFrequency | undefined, Tags: allTags(context, inputs.tags),
    }));
    return { id: DetectorId!, state: { arn: `arn:aws:guardduty:${context.target.region}:${context.target.accountId}:detector/${DetectorId}`, accountId: context.target.accountId } };
});

export const guardDutyTable: DeployTable = { "aws:guardduty/detector:Detector": detector };
