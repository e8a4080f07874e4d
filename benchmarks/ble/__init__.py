"""What the BLE driver costs and how soon it hears again, on the virtual BlueZ."""
