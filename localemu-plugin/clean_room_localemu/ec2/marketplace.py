"""
Marketplace product codes: an image's codes go to the root volumes of its instances, to their snapshots and to volumes made of these. A
volume with a code can be attached to a stopped instance only.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html
"""

from typing import Any

from localemu.utils.patch import patch
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance
from moto.ec2.responses import elastic_block_store as responses

from .errors import error

_SHOWN = "{% if RESOURCE.codes %}<productCodes>{% for code in RESOURCE.codes %}<item><productCode>{{ code }}</productCode><type>marketplace</type></item>{% endfor %}</productCodes>{% endif %}"


def install() -> None:
    """A resource's `codes` is a tuple; without any where it has none."""
    from moto.ec2.models.elastic_block_store import Snapshot, Volume

    Volume.codes = Snapshot.codes = ()
    responses.DESCRIBE_VOLUMES_RESPONSE = responses.DESCRIBE_VOLUMES_RESPONSE.replace(
        "<volumeId>{{ volume.id }}</volumeId>", f"<volumeId>{{{{ volume.id }}}}</volumeId>{_SHOWN.replace('RESOURCE', 'volume')}", 1
    )

    @patch(EBSBackend.create_snapshot)
    def create_snapshot(fn: Any, self: Any, volume_id: str, *args: Any, **kwargs: Any) -> Any:
        snapshot = fn(self, volume_id, *args, **kwargs)
        snapshot.codes = self.get_volume(volume_id).codes
        return snapshot

    @patch(EBSBackend.create_volume)
    def create_volume(fn: Any, self: Any, size: Any, zone_name: str, snapshot_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        volume = fn(self, size, zone_name, snapshot_id, *args, **kwargs)
        if snapshot_id:
            volume.codes = tuple(self.get_snapshot(snapshot_id).codes)
        return volume

    @patch(EBSBackend.attach_volume)
    def attach_volume(fn: Any, self: Any, volume_id: str, instance_id: str, *args: Any, **kwargs: Any) -> Any:
        launching = getattr(self.get_instance(instance_id), "launching", False)
        if self.get_volume(volume_id).codes and self.get_instance(instance_id).state != "stopped" and not launching:
            raise error(
                "OperationNotPermitted", f"'{volume_id}' with Marketplace codes can be attached only to an instance in the state 'stopped'."
            )
        return fn(self, volume_id, instance_id, *args, **kwargs)

    @patch(Instance.add_block_device)
    def add_block_device(fn: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self.launching = True
        try:
            return fn(self, *args, **kwargs)
        finally:
            self.launching = False

    previous = responses.ElasticBlockStore.describe_snapshot_attribute

    def describe_snapshot_attribute(self: Any) -> Any:
        if self._get_param("Attribute") != "productCodes":
            return previous(self)
        snapshot = self.ec2_backend.get_snapshot(self._get_param("SnapshotId"))
        codes = [{"ProductCodeId": each, "ProductCodeType": "marketplace"} for each in snapshot.codes]
        return ActionResult({"SnapshotId": snapshot.id, "ProductCodes": codes})

    responses.ElasticBlockStore.describe_snapshot_attribute = describe_snapshot_attribute

    def describe_volume_attribute(self: Any) -> Any:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumeAttribute.html: one attribute a call."""
        volume, attribute = self.ec2_backend.get_volume(self._get_param("VolumeId")), self._get_param("Attribute")
        if attribute == "productCodes":
            codes = [{"ProductCodeId": each, "ProductCodeType": "marketplace"} for each in volume.codes]
            return ActionResult({"VolumeId": volume.id, "ProductCodes": codes})
        if attribute == "autoEnableIO":
            return ActionResult({"VolumeId": volume.id, "AutoEnableIO": {"Value": False}})
        raise error("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")

    responses.ElasticBlockStore.describe_volume_attribute = describe_volume_attribute
