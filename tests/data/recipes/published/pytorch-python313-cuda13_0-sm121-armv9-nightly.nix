# A nightly of torch 2.9.0, packaged from scratch.
{ pkgs ? import <nixpkgs> { } }:

let
  nixpkgs_pinned = import (builtins.fetchTarball {
    url = "https://github.com/NixOS/nixpkgs/archive/6a030d535719c5190187c4cec156f335e95e3211.tar.gz";
  }) { config = { allowUnfree = true; cudaSupport = true; }; };

  gpuArchSM = "12.1";
  cpuFlags = [ "-march=armv9-a+sve+sve2" ];
in
nixpkgs_pinned.python3Packages.buildPythonPackage rec {
  pname = "pytorch210-python313-cuda13_0-sm121-armv9-nightly";
  version = "2.9.0";
  format = "setuptools";
  src = nixpkgs_pinned.fetchFromGitHub {
    owner = "pytorch";
    repo = "pytorch";
    rev = "v${version}";
    hash = nixpkgs_pinned.lib.fakeHash;
    fetchSubmodules = true;
  };
  preConfigure = ''
    export TORCH_CUDA_ARCH_LIST="${gpuArchSM}"
    export CXXFLAGS="${nixpkgs_pinned.lib.concatStringsSep " " cpuFlags}"
  '';
}
