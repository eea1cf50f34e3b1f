import { expect } from "chai";
import { chatNotificationSchema, toChat } from "../../../functions/domain/channels/chat";
import { chatRequestSchema, chatVerbs, customActions, type ChatVerb } from "../../../functions/domain/chatActions";
import type { Message } from "../../../functions/domain/messages/message";
import { isolationMessage } from "../../../functions/domain/messages/isolation";
import * as plain from "../../fixtures/analysis/plain";

const message: Message = isolationMessage(plain.custody.incident, plain.custody.containment);
const actions = customActions("clean-room-actFromChat");

/** What the service does with a notification: shows the buttons whose criteria hold, and puts the variables into their commands. */
function buttons(offers: readonly ChatVerb[] | undefined): string[] {
    const [event] = toChat({ ...message, ...(offers ? { offers } : {}) }, () => "id");
    expect(chatNotificationSchema.parse(event)).to.deep.equal(event);
    return actions.flatMap(({ Definition, Attachments }) =>
        Attachments.flatMap(({ Criteria, Variables }) => {
            const values = Object.fromEntries(
                Object.entries(Variables).map(([name, from]) => {
                    const path = from.split(".").slice(1);
                    return [name, path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], event)];
                }),
            );
            if (!Criteria.every(({ VariableName, Value }) => values[VariableName] === Value)) return [];
            return [Definition.CommandText.replace(/\$(\w+)/g, (_, name: string) => values[name] as string)];
        }),
    );
}

describe("buttons in a chat channel", () => {
    it("stand under those messages alone that offer what they do", () => {
        expect(buttons(undefined)).to.deep.equal([]);
        for (const verb of chatVerbs) expect(buttons([verb])).to.have.length(1);
        expect(buttons(["approve", "deny"])).to.have.length(2);
    });

    it("run a command that our function takes, about the message's incident, in its Region", () => {
        const { incidentId, instance } = plain.custody.incident;
        for (const verb of chatVerbs) {
            const [command] = buttons([verb]);
            const [, region, payload] = /^lambda invoke --function-name clean-room-actFromChat --region (\S+) --payload (\{.*\})$/.exec(
                command!,
            )!;
            expect(region).to.equal(instance.region);
            expect(chatRequestSchema.parse(JSON.parse(payload!))).to.deep.equal({ action: verb, incidentId });
        }
    });

    it("keep what CreateCustomAction takes", () => {
        for (const { ActionName, AliasName, Definition, Attachments } of actions) {
            expect(ActionName).to.match(/^[a-zA-Z0-9_-]{1,64}$/);
            expect(AliasName).to.match(/^[A-Za-z0-9_-]{1,30}$/);
            expect(Definition.CommandText.length).to.be.within(1, 5000);
            for (const { NotificationType, ButtonText, Criteria, Variables } of Attachments) {
                expect(NotificationType).to.match(/^[a-zA-Z0-9-]{1,100}$/);
                expect(ButtonText.length).to.be.within(1, 50);
                expect(Criteria.length).to.be.within(1, 5);
                expect(Object.keys(Variables).length).to.be.at.most(5);
                for (const [name, from] of Object.entries(Variables)) {
                    expect(name).to.match(/^[A-Za-z0-9_-]{1,100}$/);
                    expect(from).to.match(/^[\x21-\x7f]{1,1024}$/);
                }
            }
        }
    });
});
