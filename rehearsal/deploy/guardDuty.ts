/** GuardDuty detectors and their features. */
import {
    CreateDetectorCommand,
    GuardDutyClient,
    UpdateDetectorCommand,
    type DetectorFeature,
    type FeatureAdditionalConfiguration,
    type FeatureStatus,
    type FindingPublishingFrequency,
} from "@aws-sdk/client-guardduty";
import type * as aws from "@pulumi/aws";
import { allTags, clientOf, entry, type DeployTable } from "./resource";

const detector = entry<aws.guardduty.DetectorArgs>(async (inputs, context) => {
    const { DetectorId } = await clientOf(context, GuardDutyClient).send(
        new CreateDetectorCommand({
            Enable: inputs.enable ?? true,
            FindingPublishingFrequency: inputs.findingPublishingFrequency as FindingPublishingFrequency | undefined,
            Tags: allTags(context, inputs.tags),
        }),
    );
    return {
        id: DetectorId!,
        state: {
            arn: `arn:aws:guardduty:${context.target.region}:${context.target.accountId}:detector/${DetectorId}`,
            accountId: context.target.accountId,
        },
    };
});

const detectorFeature = entry<aws.guardduty.DetectorFeatureArgs>(async (inputs, context) => {
    const Name = (inputs.name ?? context.name) as DetectorFeature;
    await clientOf(context, GuardDutyClient).send(
        new UpdateDetectorCommand({
            DetectorId: inputs.detectorId,
            Features: [
                {
                    Name,
                    Status: inputs.status as FeatureStatus,
                    AdditionalConfiguration: inputs.additionalConfigurations?.map(({ name, status }) => ({
                        Name: name as FeatureAdditionalConfiguration,
                        Status: status as FeatureStatus,
                    })),
                },
            ],
        }),
    );
    return { id: `${inputs.detectorId}/${Name}`, state: { name: Name } };
});

export const guardDutyTable: DeployTable = {
    "aws:guardduty/detector:Detector": detector,
    "aws:guardduty/detectorFeature:DetectorFeature": detectorFeature,
};
