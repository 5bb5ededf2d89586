"""The paper's five configurations as settings of the engine, and ours."""

from dataclasses import dataclass, replace

from protocol.swim.settings import Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """Which parts are on."""

    name: str
    lha_probe: bool = False
    lha_suspicion: bool = False
    buddy: bool = False
    extensions: bool = False
    """What is ours beyond the paper: the second look, and the stream as a probe's last word."""
    own_look: bool = False
    """Ours too: who hears an accusation asks the suspect itself, and waits less for one whose port refuses."""
    early_probe: bool = False
    """Ours too: who is probed probes in the same breath, where it has not yet in this interval."""

    def settings(self, alpha: int, beta: int) -> Settings:
        """Give the engine's settings: the lan profile, with the paper's alpha and beta."""
        return Settings.lan(
            suspicion_alpha=alpha,
            suspicion_beta=beta,
            lha_probe=self.lha_probe,
            lha_suspicion=self.lha_suspicion,
            buddy=self.buddy,
            stream_fallback=self.extensions,
            second_look=self.extensions,
            own_look=self.own_look,
            early_probe=self.early_probe,
        )


SWIM = Configuration("SWIM")
LIFEGUARD = Configuration("Lifeguard", lha_probe=True, lha_suspicion=True, buddy=True)
SECOND_LOOK = replace(LIFEGUARD, name="Second look", extensions=True)
OWN_LOOK = replace(SECOND_LOOK, name="Own look", own_look=True)
SHOAL = replace(OWN_LOOK, name="Shoal", early_probe=True)
CONFIGURATIONS = (
    SWIM,
    Configuration("LHA-Probe", lha_probe=True),
    Configuration("LHA-Suspicion", lha_suspicion=True),
    Configuration("Buddy", buddy=True),
    LIFEGUARD,
    SECOND_LOOK,
    OWN_LOOK,
    SHOAL,
)
"""The paper's five, and Lifeguard with what is ours, one after the other."""
BY_NAME = {configuration.name: configuration for configuration in CONFIGURATIONS}
