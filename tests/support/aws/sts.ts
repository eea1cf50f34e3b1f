/** STS over HTTP: who the function is. */
import type { ServerResponse } from "node:http";

/** Answers a request if it is STS's. @returns whether it was */
export function answerSts(body: string, response: ServerResponse): boolean {
    if (!body.includes("Action=GetCallerIdentity")) return false;
    response
        .writeHead(200, { "content-type": "text/xml" })
        .end(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::111111111111:assumed-role/start/start</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>",
        );
    return true;
}
