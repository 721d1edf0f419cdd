import re
from setuptools import find_packages, setup
_deps = [
    "accelerate>=1.2.1",
    "bitsandbytes",
    "datasets>=3.2.0",
    "deepspeed==0.15.4",
    "distilabel[vllm,ray,openai]>=1.5.2",
    "einops>=0.8.0",
    "liger_kernel==0.5.2",
    "lighteval @ git+https://github.com/huggingface/lighteval.git@4f381b352c0e467b5870a97d41cb66b487a2c503#egg=lighteval[math]",
    "math-verify>=0.3.2",  # Used for math verification in grpo
    "pytest",
    "torch>=2.5.1",
    "transformers @ git+https://github.com/huggingface/transformers.git@main",
    "trl @ git+https://github.com/huggingface/trl.git@main",
    "vllm>=0.7.0",
]
deps = {b: a for a, b in (re.findall(r"^(([^!=<>~ \[\]]+)(?:\[[^\]]+\])?(?:[!=<>~ ].*)?$)", x)[0] for x in _deps)}
def deps_list(*pkgs):
    return [deps[pkg] for pkg in pkgs]
extras = {}
extras["tests"] = deps_list("pytest")
extras["torch"] = deps_list("torch")
extras["eval"] = deps_list("lighteval", "math-verify")
extras["dev"] = extras["tests"] + extras["eval"]
install_requires = [
    deps["accelerate"],
    deps["bitsandbytes"],
    deps["deepspeed"],
    deps["liger_kernel"],
    deps["transformers"],
    deps["trl"],
]
setup(
    name="open-r1",
    version="0.1.0.dev0",
    packages=find_packages("src"),
    extras_require=extras,
    python_requires=">=3.10.9",
    install_requires=install_requires,
)
