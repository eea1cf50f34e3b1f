/** CloudFormation template of what a chat channel needs for its buttons: the custom actions, and the one right that its role gets. Pure. */
import { customActions } from "../../functions/domain/chatActions";
import { functionNameOf } from "../../infra/names";
import { arn } from "./statements";

type Json = Record<string, unknown>;

/** To be deployed in the forensics account, once: custom actions belong to no Region. */
export function chatActionsTemplate(): Json {
    const functionName = functionNameOf("actFromChat");
    const idOf = (name: string) => name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
    const actions = customActions(functionName);
    return {
        AWSTemplateFormatVersion: "2010-09-09",
        Description:
            "Buttons under the clean room's messages in Amazon Q Developer in chat applications. Made by npm run bootstrap; docs/channels.md says how to use it.",
        Resources: {
            ...Object.fromEntries(
                actions.map((action) => [idOf(action.ActionName), { Type: "AWS::Chatbot::CustomAction", Properties: action }]),
            ),
            // For the channel's role, and as its guardrail.
            ChannelPolicy: {
                Type: "AWS::IAM::ManagedPolicy",
                Properties: {
                    ManagedPolicyName: "clean-room-chat-channel",
                    Description: "Lets a chat channel press the clean room's buttons, and nothing else",
                    PolicyDocument: {
                        Version: "2012-10-17",
                        Statement: [
                            {
                                Effect: "Allow",
                                Action: ["lambda:InvokeFunction"],
                                Resource: [{ "Fn::Sub": arn(`lambda:*:\${AWS::AccountId}:function:${functionName}`) }],
                            },
                        ],
                    },
                },
            },
        },
        Outputs: {
            ChannelPolicyArn: { Value: { Ref: "ChannelPolicy" } },
            CustomizationResourceArns: {
                Description: "For the channel's configuration",
                Value: { "Fn::Join": [",", actions.map(({ ActionName }) => ({ Ref: idOf(ActionName) }))] },
            },
        },
    };
}
