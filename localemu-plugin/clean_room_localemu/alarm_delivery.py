"""
CloudWatch publishes an alarm as cloudwatch.amazonaws.com, for the alarm; LocalEmu publishes as the topic's account and so past every
policy. An action that fails changes nothing about the alarm.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import logging
import threading
from typing import Any

#: The alarm whose action is being carried out in this thread.
_current = threading.local()


def install() -> None:
    """Puts the service's name and the alarm's ARN on what alarms publish."""
    from localemu.services.cloudwatch import provider_v2 as provider

    connect = provider.connect_to

    def note_alarm(name: str, alarm_of: Any) -> None:
        describe = getattr(provider, name)

        def describe_and_note(*args: Any, **kwargs: Any) -> Any:
            _current.alarm_arn = alarm_of(*args, **kwargs).alarm["AlarmArn"]
            return describe(*args, **kwargs)

        setattr(provider, name, describe_and_note)

    note_alarm("create_message_response_update_state_sns", lambda alarm, *_: alarm)
    note_alarm("create_message_response_update_composite_alarm_state_sns", lambda composite_alarm, *_: composite_alarm)

    class Clients:
        """The client factory, but for SNS."""

        def __init__(self, factory: Any) -> None:
            self._factory = factory

        def __getattr__(self, name: str) -> Any:
            client = getattr(self._factory, name)
            return Publisher(client) if name == "sns" else client

    provider.connect_to = lambda *args, **kwargs: Clients(connect(*args, **kwargs))


class Publisher:
    """Publishes as CloudWatch."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, **message: Any) -> None:
        """Never raises: the alarm's history says so, and nobody is told."""
        try:
            self._client.request_metadata(service_principal="cloudwatch", source_arn=_current.alarm_arn).publish(**message)
        except Exception as error:
            logging.getLogger(__name__).warning("The alarm %s could not be published: %s", _current.alarm_arn, error)
