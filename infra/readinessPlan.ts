/** What the daily check of readiness is told of the stack, as a function reads it from its environment. Pure. */
import { anyAccount } from "../functions/domain/readiness/simulation";
import { forwardersOf } from "./findingsBus";
import type { Settings } from "./config";
import {
    alarmTopicName,
    findingsBusName,
    findingsRuleName,
    forwardDeadLettersName,
    forwardedRuleName,
    forwardRuleName,
    memberStackSetName,
    watchRuleName,
} from "./names";
import { memberStatements } from "./steps";

/** What the response needs of the responder role of any member, as checkReadiness has it simulated there. @returns JSON */
export function responderStatements(args: { settings: Settings; partition: string; evidenceKeyArn: string }): string {
    const { settings, partition, evidenceKeyArn } = args;
    return JSON.stringify(memberStatements({ settings, partition, accountId: anyAccount, evidenceKeyArns: [evidenceKeyArn] }));
}

/** @returns JSON of functions/aws/environment.ts's READINESS */
export function readinessPlan({ settings, partition, region }: { settings: Settings; partition: string; region: string }): string {
    const { accountIds, organization } = forwardersOf(settings, region);
    const isForwarded = accountIds.length > 0 || organization;
    return JSON.stringify({
        alarmTopicArn: `arn:${partition}:sns:${region}:${settings.forensics.accountId}:${alarmTopicName}`,
        rules: [{ name: findingsRuleName, bus: null }, ...(isForwarded ? [{ name: forwardedRuleName, bus: findingsBusName }] : [])],
        watchRule: watchRuleName,
        forwarders: organization
            ? ["*", ...settings.members.filter(({ accountId }) => !accountIds.includes(accountId)).map(({ accountId }) => `!${accountId}`)]
            : accountIds.length === settings.members.length
              ? ["*"]
              : accountIds,
        forwardingRule: forwardRuleName,
        forwardDeadLetters: isForwarded ? forwardDeadLettersName : null,
        stackSet: settings.organization
            ? {
                  name: memberStackSetName,
                  callAs: settings.organization.stackSetsAs,
                  homeRegion: settings.homeRegion,
                  listedMembers: settings.members.map(({ accountId }) => accountId),
              }
            : null,
        emails: settings.notifications.emails.length,
        endpointsOnDemand: settings.network.endpoints === "on-demand",
        minimumSeverity: settings.findings.minimumSeverity,
        sample: settings.readiness.sample,
    });
}
