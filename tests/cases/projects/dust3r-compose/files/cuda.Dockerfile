FROM nvidia/cuda:12.3.2-cudnn9-devel-ubuntu22.04
RUN wget https://repo.anaconda.com/miniconda/Miniconda3-latest-Linux-x86_64.sh -O /tmp/miniconda.sh \
    && bash /tmp/miniconda.sh -b -p /opt/conda
RUN git clone --recursive https://github.com/naver/dust3r /dust3r
WORKDIR /dust3r
RUN conda create -y -n dust3r python=3.11 cmake=3.14.0
SHELL ["/bin/bash", "--login", "-c"]
RUN conda install -y pytorch torchvision pytorch-cuda=12.1 -c pytorch -c nvidia
RUN pip install -r requirements.txt
