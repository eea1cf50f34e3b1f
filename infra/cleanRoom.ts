/** One Region of the forensics account, wired: intake, functions, workflow, evidence, clean room. */
import { readFileSync } from "node:fs";
import path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { VariableName } from "../functions/aws/environment";
import type { AnalysisArchive } from "../packaging/analysisArchive";
import type { PackedAcquisitionImage } from "../packaging/packedAcquisitionImage";
import { AccountDefaults } from "./accountDefaults";
import { Acquisition } from "./acquisition";
import { cleanRoomAlarms, createAlarms } from "./alarms";
import { Callback } from "./callback";
import { containmentPolicyText, type Settings } from "./config";
import { admittedAccounts } from "./estate";
import { dashboardBody } from "./dashboard";
import { EvidenceStore } from "./evidenceStore";
import { forensicImage, ForensicInstance } from "./forensicRole";
import { IncidentsTable } from "./incidentsTable";
import { Intake, subscribeFunction } from "./intake";
import { responderStatementsKey } from "../functions/domain/readiness/simulation";
import { StackMarker } from "./stackMarker";
import { readinessPlan, responderStatements } from "./readinessPlan";
import { callDaily } from "./schedule";
import { MessageKey } from "./messageKey";
import { statementsKnownEarly } from "./policyDocument";
import {
    dashboardName,
    deadLetterQueueName,
    deployedNames,
    documentName,
    forwardDeadLettersName,
    functionNameOf as nameOf,
    responderRoleName,
    slackWebhookParameterName,
} from "./names";
import { Network } from "./network";
import { Notifications } from "./notifications";
import { ReleaseWorkflow } from "./workflow/releaseWorkflow";
import { deployedSteps, type Step } from "./steps";
import { Watch } from "./watch";
import { Workflow } from "./workflow/workflow";
import { endpointPolicy } from "../functions/domain/endpoints";
import { errorEnding, incidentsRoot, resultNames } from "../functions/domain/evidenceKeys";

export interface CleanRoomArgs {
    /** The stack's configuration (config.ts). */
    readonly settings: Settings;
    /** Incoming webhook of the incident channel, a secret; null without Slack. */
    readonly slackWebhookUrl: pulumi.Output<string> | null;
    /** `aws` or `aws-us-gov`, as in an ARN. */
    readonly partition: string;
    /** Region that everything of it lies in. */
    readonly region: string;
    /** Provider whose own Region it is (accounts.ts). */
    readonly lookingHere: aws.Provider;
    /** The analysis program as one archive, found by its hash. */
    readonly archive: pulumi.Output<AnalysisArchive>;
    /** Images of the acquisition volume by processor; undefined where memory is not taken. */
    readonly acquisition?: Record<string, pulumi.Output<PackedAcquisitionImage>>;
}

/** What functions/aws/everyFunction.ts reads in each; nothing where the configuration asks for nothing. */
function forEveryFunction({ tags, rolePath }: Settings): Record<string, string> {
    return {
        ...(Object.keys(tags).length > 0 ? { RESOURCE_TAGS: JSON.stringify(tags) } : {}),
        ...(rolePath === "/" ? {} : { ROLE_PATH: rolePath }),
    };
}

export class CleanRoom extends pulumi.ComponentResource {
    readonly region: string;
    readonly evidenceKeyArn: pulumi.Output<string>;
    /** What an operator looks for in this Region. */
    readonly summary: pulumi.Output<Record<string, string>>;

    constructor(name: string, args: CleanRoomArgs, opts: pulumi.ComponentResourceOptions) {
        super("ec2-clean-room:index:CleanRoom", name, {}, opts);
        const { settings, partition, region } = args;
        const parent = { parent: this };
        this.region = region;

        new StackMarker(`${name}-marker`, { accountId: settings.forensics.accountId, region }, parent);
        if (settings.forensics.accountDefaults) new AccountDefaults(`${name}-defaults`, { settings, region }, parent);
        const store = new EvidenceStore(`${name}-evidence`, { settings, partition, region, archive: args.archive }, parent);
        this.evidenceKeyArn = store.key.arn;
        const { key: messageKey } = new MessageKey(`${name}-message-key`, { settings, partition, region }, parent);
        const keyArn = messageKey.arn;
        const intake = new Intake(`${name}-intake`, { settings, partition, region, keyArn }, parent);
        const incidents = new IncidentsTable(`${name}-incidents`, { keyArn }, parent);
        const notifications = new Notifications(
            `${name}-notifications`,
            { settings, partition, region, slackWebhookUrl: args.slackWebhookUrl, keyArn },
            parent,
        );
        const commandLog = new aws.cloudwatch.LogGroup(
            `${name}-commands`,
            { name: "/clean-room/analysis", retentionInDays: settings.logRetentionDays, kmsKeyId: keyArn },
            parent,
        );
        const forensic = new ForensicInstance(
            `${name}-forensic`,
            {
                settings,
                partition,
                region,
                evidenceBucketArn: store.bucket.arn,
                toolBucketArn: store.toolBucket.arn,
                evidenceKeyArn: store.key.arn,
                commandLogGroupArn: commandLog.arn,
            },
            parent,
        );
        const network = new Network(
            `${name}-network`,
            {
                settings,
                partition,
                region,
                evidenceBucketArn: store.bucket.arn,
                toolBucketArn: store.toolBucket.arn,
                messageKeyArn: keyArn,
                lookingHere: args.lookingHere,
            },
            parent,
        );
        const document = new aws.ssm.Document(
            `${name}-analysis`,
            {
                name: documentName,
                documentType: "Command",
                documentFormat: "YAML",
                content: readFileSync(path.resolve(__dirname, "../analysis/document.yaml"), "utf8"),
            },
            parent,
        );

        const image = forensicImage(settings, region);
        const subnetIds = network.subnets.map((subnet) => subnet.id);
        const namesWith = (evidenceKeyArn = "", custodyKeyArn = "", vpcId = "", endpointGroupId = "", ...ofSubnets: string[]) =>
            deployedNames({
                partition,
                region,
                forensicsAccountId: settings.forensics.accountId,
                rolePath: settings.rolePath,
                memberAccountIds: settings.members.map((member) => member.accountId),
                organizationId: settings.organization?.organizationId,
                evidenceKeyArn,
                custodyKeyArn,
                imageParameter: image.parameter,
                slack: args.slackWebhookUrl !== null,
                chat: settings.notifications.chat,
                results: settings.notifications.ocsf,
                webhookParameter: settings.notifications.webhookParameter,
                memory: settings.memory.mode !== "off",
                network: { vpcId, endpointGroupId, subnetIds: ofSubnets },
            });
        const environment: Record<VariableName, pulumi.Input<string>> = {
            PARTITION: partition,
            FORENSICS_ACCOUNT_ID: settings.forensics.accountId,
            MEMBER_ACCOUNTS: admittedAccounts(settings, region).join(","),
            RESPONDER_ROLE_NAME: responderRoleName,
            STATE_MACHINE_ARN: namesWith().stateMachineArn,
            DRILL: String(settings.findings.drill),
            INCIDENTS_TABLE: incidents.table.name,
            WATCH_FUNCTION: nameOf("watchContainment"),
            RELEASE_STATE_MACHINE_ARN: namesWith().releaseStateMachineArn,
            ANSWER_FUNCTION: nameOf("answerApproval"),
            SEAL_FUNCTION: nameOf("sealCustody"),
            CONTAINMENT_POLICY: containmentPolicyText(settings.containment),
            CONTAIN_CREDENTIALS: settings.containment.credentials,
            CONTAIN_NETWORK: settings.containment.network,
            MEMORY_MODE: settings.memory.mode,
            MEMORY_PATH: settings.memory.path,
            MEMORY_SECONDS: String(settings.memory.atMostSeconds),
            // Of what takes memory, which is made below where it is.
            ACQUISITION_IMAGES: "{}",
            ACQUISITION_DOCUMENT: "",
            ACQUISITION_DOCUMENT_HASH: "",
            EVIDENCE_BUCKET: store.bucket.bucket,
            EVIDENCE_KEY_ARN: store.key.arn,
            CUSTODY_KEY_ARN: store.custodyKey.arn,
            LOCK_MODE: settings.evidence.lockMode,
            LOCK_DAYS: String(settings.evidence.retentionDays),
            // A queue's id is its URL.
            DEAD_LETTER_QUEUE_URL: intake.deadLetters.id,
            NOTIFICATION_TOPIC_ARN: notifications.topic.arn,
            CHAT_TOPIC_ARN: notifications.chat?.arn ?? "",
            CHAT_ACTIONS: String(settings.notifications.chatActions),
            RESULTS_TOPIC_ARN: notifications.results?.arn ?? "",
            REPORT_LINK_HOURS: String(settings.report.presignedHours),
            DOCS_URL: settings.report.docsUrl ?? "",
            IDENTITY_CENTER: settings.report.identityCenter ? JSON.stringify({ roleName: null, ...settings.report.identityCenter }) : "",
            WEBHOOK_PARAMETER: settings.notifications.webhookParameter ?? "",
            SLACK_WEBHOOK_PARAMETER: args.slackWebhookUrl ? slackWebhookParameterName : "",
            SECURITY_HUB: String(settings.notifications.securityHub),
            OWN_NETWORKS: settings.ownNetworks.join(","),
            SUPPORT_ENABLED: String(settings.support.enabled),
            SUPPORT_KIND: settings.support.kind,
            SUPPORT_REGION: settings.support.region ?? settings.homeRegion,
            SUPPORT_SEVERITY: settings.support.severity,
            SUPPORT_LANGUAGE: settings.support.language,
            SUPPORT_CC: settings.support.ccEmails.join(","),
            FORENSIC_VPC_ID: network.vpc.id,
            FORENSIC_SUBNET_IDS: pulumi.all(subnetIds).apply((ids) => ids.join(",")),
            ENDPOINT_GROUP_ID: network.endpointGroup.id,
            ENDPOINT_POLICY_LOGS: endpointPolicy("logs", settings.forensics.accountId),
            ENDPOINT_POLICY_SSM: endpointPolicy("ssm", settings.forensics.accountId),
            ENDPOINT_POLICY_SSMMESSAGES: endpointPolicy("ssmmessages", settings.forensics.accountId),
            FORENSIC_SECURITY_GROUP_ID: network.forensicGroup.id,
            FORENSIC_INSTANCE_PROFILE_ARN: forensic.profile.arn,
            FORENSIC_ROLE_ID: forensic.role.uniqueId,
            FORENSIC_INSTANCE_TYPE: settings.forensicInstance.types[region] ?? settings.forensicInstance.type,
            FORENSIC_IMAGE_ID: image.imageId ?? "",
            FORENSIC_IMAGE_PARAMETER: image.parameter,
            DOCUMENT_NAME: document.name,
            DOCUMENT_VERSION: document.latestVersion,
            TOOL_BUCKET: store.toolBucket.bucket,
            TOOL_KEY: store.toolKey,
            TOOL_SHA256: store.toolSha256,
            PYTHON_VERSION: settings.analysis.pythonVersion,
            ANALYSIS_TIMEOUT_SECONDS: String(settings.analysis.timeoutSeconds),
            HASH_TWICE: String(settings.evidence.hashTwice),
            COMMAND_LOG_GROUP: commandLog.name,
            READINESS: readinessPlan({ settings, partition, region }),
        };
        const makeFunction = (handler: string, step: Step) =>
            new Callback(
                `${name}-${handler}`,
                {
                    handler,
                    functionName: nameOf(handler),
                    region,
                    description: step.description,
                    environment: {
                        ...forEveryFunction(settings),
                        ...Object.fromEntries(step.variables.map((variable) => [variable, environment[variable]])),
                    },
                    statements: statementsKnownEarly(
                        (...known) => step.permissions(namesWith(...known)),
                        store.key.arn,
                        store.custodyKey.arn,
                        network.vpc.id,
                        network.endpointGroup.id,
                        ...subnetIds,
                    ),
                    timeoutSeconds: step.timeoutSeconds,
                    memoryMiB: step.memoryMiB,
                    deadLetterQueueArn: intake.deadLetters.arn,
                    messageKeyArn: keyArn,
                    logRetentionDays: settings.logRetentionDays,
                },
                parent,
            ).function;
        const { writeAcquisitionImage: writing, ...others } = deployedSteps(settings);
        if (args.acquisition && writing) {
            // Its answer is what other functions read of their environment.
            const writer = makeFunction("writeAcquisitionImage", writing);
            const acquisition = new Acquisition(`${name}-acquisition`, { store, writer, packed: args.acquisition }, parent);
            environment.ACQUISITION_IMAGES = acquisition.images;
            environment.ACQUISITION_DOCUMENT = acquisition.document.arn;
            environment.ACQUISITION_DOCUMENT_HASH = acquisition.document.hash;
        }
        const functions = Object.fromEntries(Object.entries(others).map(([handler, step]) => [handler, makeFunction(handler, step)]));

        const workflow = new Workflow(
            `${name}-workflow`,
            { settings, partition, functions, evidenceBucket: store.bucket, evidenceKeyArn: store.key.arn, messageKeyArn: keyArn },
            parent,
        );
        new ReleaseWorkflow(
            `${name}-release`,
            {
                settings,
                partition,
                releaseFunction: functions.releaseInstance!,
                evidenceBucket: store.bucket,
                evidenceKeyArn: store.key.arn,
                messageKeyArn: keyArn,
            },
            parent,
        );
        new Watch(`${name}-watch`, { watchFunction: functions.watchContainment!, deadLetters: intake.deadLetters }, parent);
        intake.subscribe(`${name}-findings`, functions.startIncident!);
        this.notifyOnObjects(name, settings.forensics.accountId, store, functions);
        subscribeFunction(`${name}-alarms`, notifications.alarms, functions.sendAlarm!, intake.deadLetters, parent);
        new aws.s3.BucketObjectv2(
            `${name}-responder-statements`,
            {
                bucket: store.toolBucket.bucket,
                key: responderStatementsKey,
                content: store.key.arn.apply((evidenceKeyArn) => responderStatements({ settings, partition, evidenceKeyArn })),
                contentType: "application/json",
            },
            parent,
        );
        callDaily(`${name}-readiness`, functions.checkReadiness!, { tell: true }, intake.deadLetters, parent);
        callDaily(`${name}-sweep`, functions.sweepEvidence!, {}, intake.deadLetters, parent);
        // In both modes, so that what was left when the mode changed is removed.
        callDaily(`${name}-endpoints`, functions.closeEndpoints!, { sweep: true }, intake.deadLetters, parent);
        const alarms = cleanRoomAlarms({
            stateMachineArn: workflow.stateMachine.arn,
            deadLetterQueueName: intake.deadLetters.name,
            forwardDeadLetterQueueName: intake.forwardDeadLetters?.name ?? null,
            rules: intake.rules,
            functionNames: [
                "startIncident",
                "sendFirstLook",
                "sendReport",
                "sendErrorNotification",
                "sendAlarm",
                "watchContainment",
                "checkReadiness",
                "sweepEvidence",
            ].map(nameOf),
            promptFunctionNames: ["startIncident"].map(nameOf),
            watchFunctionName: nameOf("watchContainment"),
        });
        createAlarms(name, alarms, notifications.alarms.arn, parent);
        if (settings.operations.dashboard)
            new aws.cloudwatch.Dashboard(
                name,
                {
                    dashboardName: dashboardName(region),
                    dashboardBody: JSON.stringify(
                        dashboardBody({
                            partition,
                            region,
                            accountId: settings.forensics.accountId,
                            docsUrl: settings.report.docsUrl,
                            stateMachineArn: namesWith().stateMachineArn,
                            releaseStateMachineArn: namesWith().releaseStateMachineArn,
                            deadLetterQueueNames: [deadLetterQueueName, ...(intake.forwardDeadLetters ? [forwardDeadLettersName] : [])],
                            functionNames: Object.keys(deployedSteps(settings)).map(nameOf),
                            alarms,
                        }),
                    ),
                },
                parent,
            );

        this.summary = pulumi.all({
            findingsTopicArn: intake.topic.arn,
            deadLetterQueueUrl: intake.deadLetters.id,
            stateMachineArn: workflow.stateMachine.arn,
            evidenceBucket: store.bucket.bucket,
            evidenceKeyArn: store.key.arn,
            custodyKeyArn: store.custodyKey.arn,
            notificationTopicArn: notifications.topic.arn,
            alarmTopicArn: notifications.alarms.arn,
            vpcId: network.vpc.id,
        });
        this.registerOutputs({ summary: this.summary });
    }

    /** A first look and a finished manifest tell people, an error object the message to people. */
    private notifyOnObjects(name: string, accountId: string, store: EvidenceStore, functions: Record<string, aws.lambda.Function>): void {
        const parent = { parent: this };
        const triggers = {
            sendFirstLook: `/${resultNames.firstLook}`,
            sendReport: `/${resultNames.manifest}`,
            sendErrorNotification: errorEnding,
        };
        const permissions = Object.keys(triggers).map(
            (handler) =>
                new aws.lambda.Permission(
                    `${name}-${handler}`,
                    {
                        action: "lambda:InvokeFunction",
                        function: functions[handler]!.name,
                        principal: "s3.amazonaws.com",
                        sourceArn: store.bucket.arn,
                        sourceAccount: accountId,
                    },
                    parent,
                ),
        );
        new aws.s3.BucketNotification(
            `${name}-objects`,
            {
                bucket: store.bucket.bucket,
                lambdaFunctions: Object.entries(triggers).map(([handler, filterSuffix]) => ({
                    lambdaFunctionArn: functions[handler]!.arn,
                    events: ["s3:ObjectCreated:*"],
                    filterPrefix: incidentsRoot,
                    filterSuffix,
                })),
            },
            { ...parent, dependsOn: permissions },
        );
    }
}
