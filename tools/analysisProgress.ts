/** How far the analyses of incidents are, from what their Run Command writes to its log group. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { z } from "zod";
import { getJson } from "../functions/aws/evidenceBucket";
import { readReports } from "../functions/aws/reports";
import { incidentPrefix, objectNames } from "../functions/domain/evidenceKeys";
import { visible } from "../functions/domain/visibleText";

/** Log group of the analysis document (infra/cleanRoom.ts). */
export const analysisLogGroup = "/clean-room/analysis";
const commandSchema = z.object({ commandId: z.string(), instanceId: z.string() });

/** A line of the program: `[   12.3 s] what it says`. */
const said = /^\[\s*([\d.]+) s\] (.*)$/;
const progress = /^progress (\S+): (\d+) %, (\d+) MiB\/s, (\d+) s left$/;

/** `1 h 5 min`, `3 min`. */
const span = (seconds: number): string => {
    const minutes = Math.max(1, Math.round(seconds / 60));
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/**
 * What an operator reads of it: the last step, and of each volume how much is read, how fast, and when that ends. Pure.
 *
 * @param log lines in the order they were written, each with the time of its arrival in milliseconds since 1970
 */
export function progressLines(log: readonly { message: string; timestamp: number }[], now: number): string[] {
    const volumes = new Map<string, string>();
    let step = "started";
    for (const { message, timestamp } of log.flatMap(({ message, timestamp }) =>
        message.split("\n").map((line) => ({ message: line, timestamp })),
    )) {
        const text = said.exec(message.trim())?.[2];
        if (text === undefined) continue;
        const [, volume, perCent, speed, left] = progress.exec(text) ?? [];
        if (volume === undefined) step = visible(text.slice(0, 160));
        else {
            const ends = timestamp + Number(left) * 1000;
            volumes.set(
                visible(volume),
                `${perCent} % read and hashed at ${speed} MiB/s, ${ends > now ? `done in about ${span((ends - now) / 1000)}, at ${new Date(ends).toISOString().slice(0, 16)}Z` : "about done"}`,
            );
        }
    }
    return [`last step: ${step}`, ...[...volumes].map(([volume, text]) => `${volume}: ${text}`)];
}

/** @returns the lines of an analysis that is under way; null when there is none, or it has ended */
export async function analysisProgress(incidentId: string, region: string): Promise<string[] | null> {
    const prefix = incidentPrefix(incidentId);
    const command = (await getJson(`${prefix}${objectNames.analysisCommand}`, commandSchema))?.value;
    if (!command) return null;
    // Of an earlier report, or of this analysis' own.
    const reports = await readReports(prefix);
    if (
        reports.some(({ results }) => results === undefined || results.some((one) => one.resultsPrefix.endsWith(`:${command.instanceId}/`)))
    )
        return null;
    const logs = new CloudWatchLogsClient({ region });
    const events: { message: string; timestamp: number }[] = [];
    let nextToken: string | undefined;
    do {
        const page = await logs.send(
            new FilterLogEventsCommand({
                logGroupName: analysisLogGroup,
                logStreamNamePrefix: `${command.commandId}/${command.instanceId}/`,
                nextToken,
            }),
        );
        events.push(...(page.events ?? []).map(({ message = "", timestamp = 0 }) => ({ message, timestamp })));
        nextToken = page.nextToken;
    } while (nextToken !== undefined && events.length < 10_000);
    return progressLines(events, Date.now());
}
