"""What is amiss with a fleet on this machine, and how to mend it. It changes nothing."""

from remit.operations.doctor.diagnose import CHECKS, diagnose
from remit.operations.doctor.model import Diagnosis, Health, Inspect, Patient, ReadSecrets

__all__ = ["CHECKS", "Diagnosis", "Health", "Inspect", "Patient", "ReadSecrets", "diagnose"]
