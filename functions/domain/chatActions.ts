/**
 * What people can do from a chat channel: custom actions of Amazon Q Developer in chat applications, buttons under a message that run one command
 * with the channel's own role. The command calls actFromChat, and takes the incident from the message's `metadata.additionalContext`. Pure.
 * https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-actions.html
 * https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateCustomAction.html
 */
import { z } from "zod";
import { incidentSchema } from "./containers";

export const chatVerbs = ["approve", "deny", "release", "resume"] as const;
export type ChatVerb = (typeof chatVerbs)[number];

/** What a button's command sends. */
export const chatRequestSchema = z.strictObject({ action: z.enum(chatVerbs), incidentId: incidentSchema.shape.incidentId });
export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** Name in the message's context that says that a button belongs under it. */
export const offerOf = (verb: ChatVerb): string => `Offers${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
/** Its value. */
export const offered = "yes";

const buttons: Record<ChatVerb, string> = {
    approve: "Contain it",
    deny: "Leave it as it is",
    release: "Release it",
    resume: "Go on with the response",
};

/** A custom action as CreateCustomAction and AWS::Chatbot::CustomAction take it. */
export interface CustomAction {
    ActionName: string;
    AliasName: string;
    Definition: { CommandText: string };
    Attachments: {
        NotificationType: "Custom";
        ButtonText: string;
        Criteria: { Operator: "EQUALS"; VariableName: string; Value: string }[];
        Variables: Record<string, string>;
    }[];
}

/** @param functionName of actFromChat, which has the same name in every Region */
export const customActions = (functionName: string): CustomAction[] =>
    chatVerbs.map((verb) => ({
        ActionName: `clean-room-${verb}`,
        AliasName: `clean-room-${verb}`,
        Definition: {
            CommandText: `lambda invoke --function-name ${functionName} --region $Region --payload {"action":"${verb}","incidentId":"$Incident"}`,
        },
        Attachments: [
            {
                NotificationType: "Custom",
                ButtonText: buttons[verb],
                Criteria: [{ Operator: "EQUALS", VariableName: "Offered", Value: offered }],
                Variables: {
                    Offered: `event.metadata.additionalContext.${offerOf(verb)}`,
                    Incident: "event.metadata.additionalContext.Incident",
                    Region: "event.metadata.additionalContext.Region",
                },
            },
        ],
    }));
