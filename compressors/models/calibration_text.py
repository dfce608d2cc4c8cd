"""The text that calibrates a model's ranges. Part of the conversion: another text would make another model."""

CALIBRATION_TEXT = """\
The harbour town lay quiet under the first snow. An old man swept the steps of the customs house, as he had done every
morning for thirty years, and looked out to where the ferry ought to be. "She is late again," he said to nobody. "In
my day a captain who was late by an hour had to explain himself, and not to the newspapers."

Chapter II. Of the measurement of heights. When the pressure of the air is known at two places, their difference in
height follows, to a first order, from the ratio of the two: at 15 degrees, 1013.25 hPa at the sea and 898.7 hPa above
it give about 1,000 metres. (See table 4, page 218; the corrections for moisture are small.)

def mean(values: list[float]) -> float:
    if not values:
        raise ValueError("no values")
    return sum(values) / len(values)  # the caller rounds

<item id="4711" lang="en"><name>Garden chair</name><price currency="EUR">49.90</price><stock>12</stock></item>
{"name": "sensor-7", "unit": "mV", "samples": [12, 14, 13, 15, 90, 14], "valid": true, "note": null}
| year | births | deaths |
|------|--------|--------|
| 1891 | 1,204  | 987    |

Le vieux pont traverse la rivière depuis le treizième siècle; on y passe encore à pied. Der Zug hält nur bei Bedarf,
wer aussteigen möchte, drückt den grünen Knopf. El río crecía cada primavera. Поезд ушёл в полночь. 日本の冬は静かだ。

To whom it may concern: permission is granted to copy this notice, provided that the copy says where it came from. The
work comes without any promise that it is good for anything. GET /index.html HTTP/1.1 200 5123 "-" "Mozilla/5.0"
""".encode()
