/** `npm run preflight`: whether the response would work now, in the account as deployed. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import type { Readiness } from "../functions/checkReadiness";
import type { Settings } from "../infra/config";
import { stackSettings } from "./coverage/stackSettings";
import { command } from "./command";
import { exitCode, render, unreachable, type RegionReadiness } from "./preflight/render";

const functionName = "clean-room-checkReadiness";
/** Milliseconds; Lambda ends the function after 15 minutes. */
const longest = 910_000;

/** Lets the deployed function look, since a responder role trusts functions and no operator. */
async function look(settings: Settings, region: string, sendSample: boolean): Promise<RegionReadiness> {
    const { accountId, deployRoleArn } = settings.forensics;
    const client = new LambdaClient({
        region,
        maxAttempts: 1,
        requestHandler: { requestTimeout: longest, socketTimeout: longest },
        ...(deployRoleArn
            ? {
                  credentials: fromTemporaryCredentials({
                      params: { RoleArn: deployRoleArn, RoleSessionName: "clean-room-preflight" },
                      clientConfig: { region },
                  }),
              }
            : {}),
    });
    try {
        const { Payload, FunctionError } = await client.send(
            new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify({ sendSample }) }),
        );
        const answer = JSON.parse(Buffer.from(Payload ?? []).toString("utf8")) as Readiness & { errorMessage?: string };
        if (FunctionError) return unreachable(region, functionName, accountId, answer.errorMessage ?? FunctionError);
        return answer;
    } catch (error) {
        return unreachable(region, functionName, accountId, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    } finally {
        client.destroy();
    }
}

export const preflight = command(
    {
        name: "preflight",
        summary:
            "Looks whether the response would work now, in each Region of a stack as deployed. Reads only, unless --send-sample is given.\nThe deployed functions look, with their own rights.",
        arguments: "--stack NAME [--region REGION] [--send-sample] [--json]",
        options: {
            stack: { type: "string", description: "the stack, as in Pulumi.NAME.yaml", required: true },
            region: { type: "string", description: "one of its Regions; all of them when left out", multiple: true },
            "send-sample": {
                type: "boolean",
                description:
                    "send GuardDuty's own sample finding, wait until startIncident has seen it, and archive it; it starts no incident",
            },
            json: { type: "boolean", description: "an array with an object for each Region, on stdout" },
        },
        examples: ["npm run preflight -- --stack prod", "npm run preflight -- --stack dev --region eu-west-1 --send-sample"],
        rights: { "the function clean-room-checkReadiness": ["lambda:InvokeFunction"] },
        exitCodes: { 0: "nothing is broken", 1: "something is broken", 2: "wrong usage or configuration" },
        run: async ({ stack, region, "send-sample": sendSample, json }) => {
            const settings = stackSettings(stack);
            const unknown = region.filter((each) => !settings.regions.includes(each));
            if (unknown.length > 0)
                throw new Error(
                    `The stack "${stack}" has no clean room in ${unknown.join(", ")}. Its Regions are ${settings.regions.join(", ")}.`,
                );
            const regions = await Promise.all(
                (region.length > 0 ? region : settings.regions).map((each) => look(settings, each, sendSample)),
            );
            console.log(json ? JSON.stringify(regions) : render(regions));
            return exitCode(regions);
        },
    },
    module,
);
