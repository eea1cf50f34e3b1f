/** The report in the case that AWS has about an incident. */
import { AddCommunicationToCaseCommand, SupportClient } from "@aws-sdk/client-support";
import type { TicketKind } from "../domain/containers";
import { caseComment, supportRegion } from "../domain/planTicket";
import { shortened } from "../domain/visibleText";
import { forensicsClient } from "./clients";
import { environment } from "./environment";
import { errorCode } from "./errors";
import { log } from "./handler";
import { CreateCaseCommentCommand, SecurityIRClient } from "./securityIncidentResponse";

/** AWS Support takes 8,000 characters of a communication. */
const longestCommunication = 7500;

/** The report in short for the case with AWS. Whatever that answers, people have been told by the channels. */
export async function addToCase(kind: TicketKind, caseId: string, partition: string, markdown: string): Promise<void> {
    try {
        if (kind === "security-incident-response")
            await forensicsClient(SecurityIRClient, environment("SUPPORT_REGION")).send(
                new CreateCaseCommentCommand(caseComment(caseId, markdown)),
            );
        else
            await forensicsClient(SupportClient, supportRegion(partition)).send(
                new AddCommunicationToCaseCommand({ caseId, communicationBody: shortened(markdown, longestCommunication) }),
            );
    } catch (error) {
        log("the report was not added to the case", { kind, caseId, error: errorCode(error), cause: String(error) });
    }
}
