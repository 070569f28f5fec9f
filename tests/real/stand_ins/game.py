"""Stands for the game: eight BonkLink peers that send frames and count clicks.

`game.py MODE_FILE`. The file holds "menu" (clicks lead through pages into play, for a minute), "play", "frozen" (the
same frame again and again) or "no frames".
"""

from __future__ import annotations

import io
import random
import socket
import struct
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FIRST_PORT, PEERS = 5560, 8
FRAMES_PER_S = 6
SIZE = (320, 180)
PAGES = 6
CLICKS_PER_PAGE = 8
PLAY_S = 60.0
CLICK_BYTE = 19
"""The byte of an input message that holds the pressed mouse buttons."""


class Player:
    """What the clicks of one worker led to."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.clicks = self.page = 0
        self.plays_until = 0.0

    def click(self) -> None:
        self.clicks += 1
        if self.clicks % CLICKS_PER_PAGE == 0:
            self.page += 1
        if self.page >= PAGES:
            self.page, self.plays_until = 0, time.monotonic() + PLAY_S


def draw_page(player: Player) -> Image.Image:
    """Draw a menu with buttons and much text, another one for each page."""
    chance = random.Random(player.seed * 100 + player.page)
    image = Image.new("RGB", SIZE, (20 + 10 * player.page % 90, 25, 40))
    draw = ImageDraw.Draw(image)
    draw.rectangle((70, 30, 250, 150), outline=(220, 220, 220), width=3)
    for row in range(7):
        top = 38 + row * 15
        draw.rectangle((85, top, 235, top + 11), outline=(240, 200, 80), width=2)
        draw.text((95, top), f"OPTION {player.page}-{row} xyzzyxyzzy", fill=(255, 255, 255))
    for _ in range(30):
        place = (chance.randrange(300), chance.randrange(170))
        draw.text(place, chance.choice(["ok", "##", "menu", "start"]), fill=(200, 200, 200))
    return image


def draw_play(noise: np.random.Generator) -> Image.Image:
    """Draw noise, and every other half second a flash: much motion and no text."""
    now = time.time()
    if int(now * 2) % 2:
        return Image.new("RGB", SIZE, (250, 250, 250) if int(now) % 2 else (5, 5, 5))
    return Image.fromarray(
        np.kron(noise.integers(0, 255, (18, 32, 3), dtype=np.uint8), np.ones((10, 10, 1), np.uint8))
    )


def receive(connection: socket.socket, player: Player) -> None:
    """Count the clicks among the input messages: a length, then so many bytes."""
    buffer = b""
    while data := connection.recv(4096):
        buffer += data
        while len(buffer) >= 4 and len(buffer) >= (size := 4 + struct.unpack_from("<i", buffer)[0]):
            message, buffer = buffer[4:size], buffer[size:]
            if len(message) > CLICK_BYTE and message[CLICK_BYTE]:
                player.click()


def send(connection: socket.socket, player: Player, mode_file: Path) -> None:
    """Send the state and a frame, six times a second."""
    noise = np.random.default_rng(player.seed)
    frame = b""
    while True:
        mode = mode_file.read_text().strip()
        plays = mode == "play" or (mode == "menu" and time.monotonic() < player.plays_until)
        if mode == "no frames":
            frame = b""
        elif mode != "frozen":
            buffer = io.BytesIO()
            (draw_play(noise) if plays else draw_page(player)).save(buffer, "JPEG", quality=75)
            frame = buffer.getvalue()
        scene = b"None" if plays else b"MainMenu"
        state = struct.pack("<9f2?", 0, 0, 0, 0, 0, 0, 100, 100, time.time() % 1e4, plays, False)
        state += struct.pack("<i", 0) + bytes([len(scene)]) + scene + struct.pack("<i", 0)
        connection.sendall(struct.pack("<i", len(state)) + state + struct.pack("<i", len(frame)) + frame)
        time.sleep(1 / FRAMES_PER_S)


def until_closed(talk: object, *arguments: object) -> None:
    try:
        talk(*arguments)  # type: ignore[operator]
    except OSError:
        return


def serve(number: int, mode_file: Path) -> None:
    with socket.create_server(("127.0.0.1", FIRST_PORT + number)) as listener:
        while True:
            connection, _ = listener.accept()
            player = Player(number)
            threading.Thread(target=until_closed, args=(receive, connection, player), daemon=True).start()
            threading.Thread(target=until_closed, args=(send, connection, player, mode_file), daemon=True).start()


if __name__ == "__main__":
    for peer in range(PEERS):
        threading.Thread(target=serve, args=(peer, Path(sys.argv[1])), daemon=True).start()
    threading.Event().wait()
