/** The way of a finding as the program declares it, and nothing else: key, topics, buses, rules and queues, and a member that forwards. */
import { createAlarms, lostAlarm } from "../../../infra/alarms";
import { Accounts } from "../../../infra/accounts";
import { parseSettings } from "../../../infra/config";
import { Intake } from "../../../infra/intake";
import { MemberAccount } from "../../../infra/memberAccount";
import { MessageKey } from "../../../infra/messageKey";
import { findingsRuleName } from "../../../infra/names";
import { Notifications } from "../../../infra/notifications";
import { inAccountAndRegion } from "../../../infra/regional";
import * as pulumi from "@pulumi/pulumi";

const settings = parseSettings(new pulumi.Config().requireObject("settings"));
const accounts = new Accounts("accounts", { settings });
const region = settings.regions[0]!;
const at = { settings, partition: "aws", region };
const here = inAccountAndRegion(accounts.forensics, region);
const { key } = new MessageKey("message-key", at, here);
const intake = new Intake("intake", { ...at, keyArn: key.arn }, here);
const notifications = new Notifications("notifications", { ...at, slackWebhookUrl: null, keyArn: key.arn }, here);
createAlarms("intake", [lostAlarm("findings", findingsRuleName, null, "")], notifications.alarms.arn, { parent: intake });
for (const member of settings.members)
    new MemberAccount("member", {
        settings,
        member,
        partition: "aws",
        provider: accounts.member(member.accountId),
        evidenceKeyArns: [key.arn],
    });

export const keyId = key.keyId;
export const topicArn = intake.topic.arn;
export const alarmTopicArn = notifications.alarms.arn;
export const deadLettersUrl = intake.deadLetters.id;
export const forwardDeadLettersUrl = intake.forwardDeadLetters!.id;
